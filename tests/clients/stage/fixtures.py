"""Fixtures of the Python suites, as a pytest plugin: where Vane is, and a clean fake upstream."""

import os

import pytest

from stage.fake import Fake


@pytest.fixture
def fake() -> Fake:
    fake = Fake()
    fake.reset()
    return fake


@pytest.fixture(scope="session")
def url() -> str:
    return os.environ["VANE_URL"]


@pytest.fixture(scope="session")
def key() -> str:
    return os.environ["VANE_API_KEY"]
