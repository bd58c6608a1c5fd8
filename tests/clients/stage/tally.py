"""Adds up JUnit reports. A suite that ends badly without one failed test is one failure itself."""

import pathlib
import xml.etree.ElementTree as ElementTree


class Tally:
    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0

    def add(self, report: pathlib.Path, returncode: int) -> None:
        cases = list(ElementTree.parse(report).iter("testcase")) if report.is_file() else []
        failed = sum(any(case.find(kind) is not None for kind in ("failure", "error")) for case in cases)
        skipped = sum(case.find("skipped") is not None for case in cases)
        self.passed += len(cases) - failed - skipped
        self.failed += failed or int(returncode != 0)
        self.skipped += skipped

    def good(self) -> bool:
        return self.failed == 0 and self.passed > 0

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"
