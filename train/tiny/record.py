"""What the engine's test of the shipped weights compares with: tokens of some texts, and a gap that was filled."""

TEXTS = [
    "",
    "message Shelf {\n  string name = 1;\n  repeated Book books = 2 [(google.api.field_behavior) = OUTPUT_ONLY];\n}\n",
    " = 1234;\n\n    // A comment, \u00fcber \u65e5\u672c\u8a9e \u2192 \U0001f600.\r\n\toption deprecated = true;",
    "eld = 3;\n}\n\nenum State {\n  STATE_UNSPECIFIED = 0;\n",
    "rpc GetHTTPServer(GetHTTPServerRequest) returns (HTTPServer) {\n    option (google.api.http) = {",
    ";\n  // the end   ",
]
GAP = {
    "prefix": 'syntax = "proto3";\n\npackage library.v1;\n\n// A request to get a book.\nmessage GetBookRequest {\n'
    "  // The name of the book.\n  string name = 1;\n}\n\n// A request to list books.\nmessage ListBooksRequest {\n"
    "  // The maximum number of books to return.\n  int32 page_size = 1;\n\n  // A page token.\n  string page_",
    "suffix": "\n}\n\n// The answer to a request to list books.\nmessage ListBooksResponse {\n",
}


def tokens_of(tokenizer):
    return [
        {"text": text, "tokens": tokenizer.encode(text), "within": tokenizer.encode_within(text)} for text in TEXTS
    ]
