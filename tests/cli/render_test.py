#!/usr/bin/env python3
"""`lathe render` against the golden templates, and its errors. Usage: render_test.py LATHE"""
import json
import pathlib
import subprocess
import sys
import tempfile

lathe = sys.argv[1]
root = pathlib.Path(__file__).resolve().parent.parent
golden = json.loads((root / "golden/chat-templates.json").read_text(encoding="utf-8"))
failures = []


def render(arguments, text):
    return subprocess.run([lathe, "render", *arguments], input=text.encode(), capture_output=True,
                          timeout=60)


def check(name, holds, detail=""):
    if not holds:
        failures.append(f"{name}: {detail}")


with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "template.jinja"
    cases = 0
    for entry in golden:
        path.write_text(entry["template"], encoding="utf-8", newline="")
        arguments = ["--template", str(path), "--bos", entry["bos_token"], "--eos", entry["eos_token"]]
        for case in entry["cases"][::4]:
            cases += 1
            name = f"{entry['name']}, {case['case']}"
            request = {key: case[key] for key in ("messages", "tools", "add_generation_prompt")}
            result = render(arguments, json.dumps(request))
            if "error" in case:
                message = case["error"].split(": ", 1)[1]
                check(name, result.returncode == 1, f"exit code {result.returncode}")
                check(name, message in result.stderr.decode(), result.stderr.decode())
                check(name, result.stdout == b"", "prints although it failed")
            else:
                check(name, result.returncode == 0, result.stderr.decode())
                check(name, result.stdout.decode() == case["rendered"], "another text")

    path.write_text("{{ mood }}|{{ add_generation_prompt }}|{{ tools }}|{{ bos_token }}")
    result = render(["--template", str(path)], '{"messages": [], "mood": "fine"}')
    check("other keys", result.stdout == b"fine|True|None|", result.stdout)

    for name, arguments, text, code, message in [
        ("no template", [], "{}", 2, "--template or --model"),
        ("absent file", ["--template", "/nonexistent"], "{}", 1, "/nonexistent"),
        ("absent model", ["--model", "/nonexistent"], "{}", 1, "/nonexistent"),
        ("no JSON", ["--template", str(path)], "hello", 1, "not valid JSON"),
        ("no messages", ["--template", str(path)], "[]", 1, "messages"),
        ("messages", ["--template", str(path)], '{"messages": 5}', 1, "must be a list"),
        ("tools", ["--template", str(path)], '{"messages": [], "tools": 5}', 1, "list or null"),
        ("prompt", ["--template", str(path)], '{"messages": [], "add_generation_prompt": 1}', 1,
         "true or false"),
    ]:
        result = render(arguments, text)
        output = result.stderr.decode() + result.stdout.decode()
        check(name, result.returncode == code, f"exit code {result.returncode}: {output}")
        check(name, message in output, output)

if cases < 100:
    failures.append(f"only {cases} golden cases")
print("\n".join(failures) or f"lathe render: {cases} golden cases as they should be")
sys.exit(1 if failures else 0)
