#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reports of --json are what docs/json.md says: every path has its type, and none is missing.

Usage: test_json.py WATERSIC CLI_DATA WATERSIC_LLM EXAMPLES_DATA DOCUMENT
"""
import json
import os
import re
import subprocess
import sys
import tempfile

watersic, cli_data, llm, data, document = (os.path.abspath(name) for name in sys.argv[1:6])
model = ["--model", data + "/tinylm"]
text = ["--tokens", data + "/calibration.txt", "--max-tokens", "512"]
quick = ["--preset", "fast", "--recipe", "plain", "--plan", "none"]
reports = [
    ("watersic quantize", [watersic, "quantize", "--weights", "w.npy", "--stats", "s.npy", "--rate", "2", "-o", "q.wsic"]),
    ("watersic info", [watersic, "info", "q.wsic"]),
    ("watersic plan", [watersic, "plan", "--weights", "w.npy", "--stats", "s.npy", "--rate", "2"]),
    ("watersic limit", [watersic, "limit", "--stats", "s.npy", "--variance", "1", "--rate", "2"]),
    ("watersic parameters", [watersic, "parameters"]),
    ("watersic-llm quantize --dry-run", [llm, "quantize", *model, *text, *quick, "--rate", "2", "-o", "a.wsic", "--dry-run"]),
    ("watersic-llm quantize", [llm, "quantize", *model, *text, *quick, "--rate", "2", "-o", "a.wsic"]),
    ("watersic info", [watersic, "info", "a.wsic"]),
    ("watersic-llm quantize --tensors", [llm, "quantize", *model, "--tensors", "*.1.*q_proj*", "--data-free", "--preset",
                                         "fast", "--rate", "2", "-o", "t.wsic"]),
    ("watersic-llm plan", [llm, "plan", *model, *text, "--rates", "2", "--preset", "fast", "--plan", "equal", "--outputs", "none",
                           "--sensitivity", "drafts"]),
    ("watersic-llm eval", [llm, "eval", *model, *text]),
    ("watersic-llm eval", [llm, "eval", *model, *text, "--archive", "a.wsic", "--layers"]),
    ("watersic-llm compare", [llm, "compare", *model, *text, *quick, "--eval", data + "/evaluation.txt", "--eval-tokens", "256",
                              "--rates", "3"]),
    ("watersic-llm finetune", [llm, "finetune", *model, *text, "--archive", "a.wsic", "-o", "f.wsic"]),
    ("watersic-llm pack", [llm, "pack", *model, "--archive", "a.wsic", "-o", "packed"]),
    ("watersic-llm restore", [llm, "restore", "packed", "-o", "restored"]),
    ("watersic-llm generate", [llm, "generate", "--model", "packed", "--prompt", "x", "--max-new-tokens", "3"]),
]


def read_document():
    """For each heading, its paths with their types."""
    tables, current = {}, None
    with open(document, encoding="utf-8") as lines:
        for line in lines:
            heading = re.match(r"## `(.*)`$", line)
            row = re.match(r"\| `(.*)` \| (.*?) \| .+ \|$", line)
            if heading:
                current = tables.setdefault(heading.group(1), {})
            elif row and current is not None:
                current[row.group(1)] = row.group(2)
    return tables


def type_name(value):
    for kind, name in ((type(None), "null"), (bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"),
                       (list, "array")):
        if isinstance(value, kind):
            return name
    return "object"


def fits(value, types):
    allowed = types.rstrip("?").split(" or ")
    name = type_name(value)
    return name in allowed or (name == "integer" and "number" in allowed)


def check(value, path, table, seen, wrong):
    """Compare a value and all that is in it with the table."""
    if path:
        known = path if path in table else re.sub(r"[^.]*$", "*", path, count=1)
        seen.add(known)
        if known not in table:
            wrong.append(path + " is not documented")
        elif not fits(value, table[known]):
            wrong.append(f"{path} is {type_name(value)}, not {table[known]}")
    if isinstance(value, dict):
        for key, inner in value.items():
            check(inner, f"{path}.{key}" if path else key, table, seen, wrong)
    if isinstance(value, list):
        for inner in value:
            check(inner, path + "[]", table, seen, wrong)


def refuse(constant):
    raise ValueError(constant + " is no JSON")


def main():
    tables = read_document()
    missing = sorted(set(tables) ^ {name for name, _ in reports})
    print("ok 1 - all reports are documented" if not missing else f"not ok 1 - documented and tested differ: {missing}")
    for number, (name, command) in enumerate(reports, 2):
        ran = subprocess.run(command + ["--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        seen, wrong = set(), []
        table = tables.get(name, {})
        try:
            check(json.loads(ran.stdout.decode("utf-8"), parse_constant=refuse), "", table, seen, wrong)
            wrong += [path + " is missing" for path, types in table.items() if not types.endswith("?") and path not in seen]
        except ValueError as error:
            wrong.append(f"{error}: {ran.stderr.decode(errors='replace').strip()}")
        print(f"{'not ok' if wrong or ran.returncode else 'ok'} {number} - {name}", flush=True)
        for text_of in wrong:
            print("# " + text_of)
    print(f"1..{len(reports) + 1}")


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    subprocess.run([cli_data, "make"], check=True)
    main()
