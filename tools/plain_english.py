"""Words and openings that this repository avoids in code and documents, and a search for them.

Run `.venv/bin/python -m tools.plain_english` for everything, or name files and folders. Each finding is one line: file,
line, the words to avoid, and a better choice.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "lambda_src",
    "stacks",
    "constructs",
    "cli",
    "adoption",
    "checkout",
    "overview",
    "recovery",
    "change_review",
    "client_files",
    "terminal",
    "tools",
    "benchmarks",
    "rehearsal",
)
CHECKED = (
    *PACKAGES,
    "app.py",
    "docs",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "tests/README.md",
    "Makefile",
    "pyproject.toml",
    "config/environments.yaml",
)
# Pages in French.
OTHER_LANGUAGES = "docs/fr/"
# This file and its tests name the words that they search for; generated pages repeat texts of the code.
EXEMPT = (
    "tools/plain_english.py",
    "tests/docs/test_plain_english.py",
    "docs/reference/cli.md",
    "docs/reference/configuration.md",
    "docs/reference/operator-policy.md",
)
COMMENTED = (".yaml", ".yml", ".toml", ".in", ".sh")


@dataclass(frozen=True)
class Finding:
    """One place in a file that has a word or an opening to avoid."""

    path: Path
    line: int
    found: str
    instead: str

    def __str__(self) -> str:
        here = Path.cwd()
        path = self.path.relative_to(here) if self.path.is_relative_to(here) else self.path
        return f"{path}:{self.line}: {self.found}: {self.instead}"


@dataclass(frozen=True)
class _Words:
    """Words to avoid, as a regular expression in which a space stands for any white space, and their replacement."""

    pattern: str
    instead: str
    # A match inside a match of this one is fine.
    unless: str = ""


# One row for each row of the glossary and each private idiom. Case does not count; patterns match whole words.
WORDS = (
    # The glossary.
    _Words(
        r"doubles?|doubled|doubling",
        "duplicate",
        unless=r"double(d)? (quot\w+|braces?|blanks?|spaces?|clicks?|dash(es)?|slash(es)?|backslash(es)?|hyphens?|"
        r"asterisks?|brackets?)|doubl(es?|ed|ing) (the|its|their|every|each|after|until|up)|double-\w+",
    ),
    _Words(
        r"(take|takes|took|taken|taking) (it |them |this |that |what \w+ )?in"
        r"(?! (the|a|an|this|that|its|which|one|order|turn|UTC|full|place|every|each|all|dev|stage|prod|between)\b)",
        "import, into a stack; otherwise read or include",
    ),
    _Words(r"belongs? to no|belonged to no", "exists outside any stack, has no owner"),
    _Words(r"adopt(s|ed)? what", "import resources that"),
    _Words(
        r"complaints?|complains?|complained",
        "error, failure",
        # SES's term for a reader who marks a message as spam.
        unless=(
            r"Email Complaint Received|\("
            r"\"COMPLAINT[^)]*|(bounce|SES|reader|spam|event)[^.]{0,80}complain\w*|"
            r"complain\w*[^.]{0,80}(bounce|SES|reader|spam|event)"
        ),
    ),
    _Words(r"mistakes?", "error"),
    _Words(r"(goes|go|going|went|gone) wrong", "fails, failed, error"),
    _Words(
        r"tell|tells|told|telling",
        "report, notify, show, say; distinguish for tell apart",
        unless=r"ARN of the topic that tells the operators",
    ),
    _Words(r"let go|lets go|letting go|lets? (it|them|this|\w+s) go", "prune, delete, release"),
    _Words(r"nobody|somebody|anybody|everybody|whomever|whoever", "unattended, no one, someone, anyone, everyone, any"),
    _Words(r"whatever", "any, regardless of, everything that"),
    _Words(r"(for nothing)(?! (but|else)\b)", "at no cost, free"),
    _Words(r"(left|leave|leaves|leaving) (it |them |this |one |\w+s )?out", "skip, omit, exclude; skipped for a gate"),
    _Words(r"kept in (the |a |its )?(ledger|records?|manifest)", "recorded"),
    _Words(r"(is|are|stays?|remains?) kept (until|from) (an |the )?(operators?|promotion)", "held"),
    _Words(r"(look|looks|looked|looking) whether", "check whether"),
    _Words(r"at once", "concurrently, at the same time; immediately"),
    _Words(r"in hand", "in memory, in progress"),
    _Words(
        r"lies|lay|lain|lying|lie (in|on|at|beside|below|above|there|here|outside|inside|under|between|about|behind)",
        "is, is stored, is published, is on disk",
        unless=r"relies|(?<=\.)lay",
    ),
    _Words(r"strangers?|stranger's|strangers'|strange", "untrusted content, unknown; new for stacks"),
    _Words(r"(put|puts|putting) out|what (it|he|she|they) puts?", "output, result, print"),
    _Words(
        r"wants",
        "requires, needs, expects",
        unless=r"(owner|operator|person|reader|user|reviewer|administrator|who|one) wants",
    ),
    _Words(
        r"asks|(ask|asked|asking) for|(is|are|was|were|be|been) asked",
        "require, need, request, call, invoke, query",
        unless=r"(owner|operator|person|reader|user|reviewer|administrator|who|prompt) asks( for)?"
        # Descriptions in templates do not change: see tests/stacks/templates.
        r"|ingested items, asks"
        r"|the (owner|operator|user) asked for|(ask|asks|asked|asking) for (a |the )?(confirmation|approval)",
    ),
    _Words(r"noted|notes down", "recorded"),
    # Personification and jokes.
    _Words(r"hears?|heard", "receive, be called with"),
    _Words(r"(does|do|did) not know who|knows? who", "name the missing credential or permission"),
    _Words(r"is there to (confirm|try|answer|watch|see|read)", "unattended"),
    _Words(r"at work", "running, in progress"),
    _Words(r"auditors?", "cdk-nag, or the tool by its name"),
    _Words(r"manners", "behaviour, defaults"),
    _Words(r"(keep|keeps|kept|keeping) (\w+ ){1,4}away", "block, prevent"),
    # Inversions and sentences that need the one before them.
    _Words(r"without an? \w+ one", "name the thing: If the snapshot fails, ..."),
    _Words(r"\w+ed again it", "subject first: Pushing the same content ..."),
    _Words(r"read again:", "Verified ..."),
    _Words(r"(anything|everything), when", "Everything, if ..."),
    _Words(r"(what (it|he|they) \w+ is what)|what is told", "one idea in a sentence"),
    _Words(r"not before the \w+ \w+:", "subject, verb, object"),
    _Words(r"by the clock", "on a schedule"),
    _Words(r"clock is moved", "the time is advanced"),
    # Words that have a common synonym.
    _Words(r"anew", "again, from scratch"),
    _Words(r"but for", "except for"),
    _Words(r"mend|mends|mended|mending", "fix, repair"),
    _Words(
        r"one (file|role|line|call|model call|page|bucket|table|run|sentence|problem|thread|item|function|snapshot|"
        r"resource|stack|construct|folder|row|entry|request|key) an? \w+",
        "per: one file per client",
    ),
)

# Parts of names of functions, classes, arguments and variables.
NAMES = {
    "doubles": "duplicates",
    "doubled": "duplicated",
    "strange": "new, unknown",
    "strangers": "untrusted",
    "auditor": "nag, findings",
    "nobody": "unattended",
    "somebody": "name the person",
    "whoever": "name the person",
    "told": "reported",
    "tells": "reports",
    "tell": "report, notify",
    "complaint": "error, finding",
    "complaints": "errors, findings",
    "mistake": "error",
    "mistakes": "errors",
    "lies": "is stored",
}
WHOLE_NAMES = {
    "in_one_sentence": "report_errors",
    "lets_through": "passes",
    "Place": "Target",
    "answer_the_auditor": "acknowledge_nag_findings",
}

# The first word of a function's docstring. Add a verb when one is missing.
VERBS = frozenset(
    """
    Abort Accept Acknowledge Acquire Act Adapt Add Adjust Adopt Advance Align Allow Analyze Announce Answer Append
    Apply Approve Archive Ask Assemble Assert Assign Assume Attach Authenticate Authorize Await Balance Begin Bind
    Block Bound Break Bring Build Bump Bundle Cache Calculate Call Cancel Capture Carry Change Check Choose Clamp
    Clean Clear Close Collapse Collect Combine Come Commit Compare Compile Complete Compose Compress Compute
    Configure Confirm Connect Consume Continue Contribute Convert Copy Correct Count Cover Crash Create Cut Decide
    Declare Decline Decode Decompress Decorate Define Delay Delete Deliver Deny Deploy Derive Describe Detach Detect
    Determine Diff Disable Discard Disconnect Dispatch Display Distinguish Divide Do Download Drain Drop Dump Edit
    Emit Empty Enable Encode Encrypt End Enforce Ensure Enter Enumerate Escape Estimate Evaluate Examine Exclude
    Execute Exit Expand Expect Expire Explain Export Expose Extend Extract Fail Feed Fetch Fill Filter Find Finish
    Fix Flatten Flush Fold Follow Force Forget Format Forward Free Gather Generate Get Give Go Grant Group Guard
    Guess Handle Hash Hide Hold Identify Ignore Import Include Increment Indent Index Inform Initialize Insert
    Inspect Install Interpret Invoke Issue Join Judge Keep Kill Label Launch Leave Let Limit Link List Listen Load
    Locate Lock Log Look Lower Make Map Mark Mask Match Measure Merge Migrate Mount Move Name Narrow Need Normalize
    Note Notify Number Observe Offer Omit Open Order Override Pack Pad Page Pair Parse Pass Patch Pause Perform
    Permit Persist Pick Pin Place Plan Point Poll Populate Post Prefer Prepare Present Preserve Press Pretend
    Prevent Preview Print Process Produce Promote Prompt Propagate Protect Prove Provide Prune Publish Pull Push Put
    Query Queue Quote Raise Rank React Read Rebuild Receive Recognize Reconstruct Record Recover Redact Reduce Refer
    Refresh Refuse Register Rehearse Reject Relate Release Reload Rely Remember Remove Rename Render Renew Repair
    Repeat Replace Reply Report Represent Request Require Rerun Reserve Reset Resolve Respect Respond Restart
    Restore Resume Retain Retrieve Retry Return Reuse Reverse Revert Review Revoke Rewrite Roll Rotate Round Route
    Run Sample Sanitize Save Say Scale Scan Schedule Score Search Select Send Separate Serialize Serve Set Shorten
    Show Shut Sign Signal Simulate Skip Sleep Snapshot Sort Split Start State Stay Stop Store Stream Strip Subscribe
    Substitute Subtract Suggest Sum Summarize Suppress Suspend Swap Switch Synthesize Tag Take Terminate Test
    Throttle Time Tokenize Touch Trace Track Transform Translate Treat Trigger Trim Truncate Try Turn Type Undo
    Unlock Unpack Unpin Unset Update Upgrade Upload Use Validate Verify Visit Wait Walk Warn Watch Widen Withhold
    Work Wrap Write Yield Zip
    """.split()  # noqa: SIM905
)
# A property, class or module is described by a noun phrase.
NO_NOUN_PHRASES = frozenset(
    "What Whoever Where Whether How As Everything Nothing Is Are If When Who Which Why Anything".split()  # noqa: SIM905
)
PROPERTIES = ("property", "cached_property", "setter", "deleter")


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{pattern.replace(' ', chr(92) + 's+')})(?![\w])", re.IGNORECASE)


# One pass over most texts, which hold nothing to avoid.
_ANY = _expression("|".join(f"(?:{words.pattern})" for words in WORDS))


def findings_in_text(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield position, found words and what to say instead, for plain text."""
    if not _ANY.search(text):
        return
    for words in WORDS:
        allowed = [match.span() for match in _expression(words.unless).finditer(text)] if words.unless else []
        for match in _expression(words.pattern).finditer(text):
            start, end = match.span()
            if not any(first <= start and end <= last for first, last in allowed):
                yield start, " ".join(match.group().split()), words.instead


def findings_in_file(path: Path) -> Iterator[Finding]:
    """Yield what a file should say differently; files that are neither code nor prose have nothing."""
    if path.suffix == ".py":
        yield from _in_python(path)
    elif path.suffix == ".md":
        yield from _in_lines(path, _prose_of_markdown(path.read_text(encoding="utf-8")))
    elif path.suffix in COMMENTED or path.name == "Makefile":
        yield from _in_lines(path, _comments_of_configuration(path.read_text(encoding="utf-8")))


def files_below(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files to check, in order, without caches, other languages and this tool's own words."""
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and not file.as_posix().endswith(EXEMPT) and not _is_skipped(file):
                yield file


def _is_skipped(file: Path) -> bool:
    return "__pycache__" in file.parts or OTHER_LANGUAGES in file.as_posix()


# --- Markdown and configuration


def _prose_of_markdown(text: str) -> str:
    """Blank everything that is not prose: code, addresses of links, HTML comments; comments of commands remain."""
    text = re.sub(r"^```.*?^```[^\n]*$", _comments_in_code, text, flags=re.DOTALL | re.MULTILINE)
    for pattern in (r"<!--.*?-->", r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", r"(?<=\])\([^)\s]*\)", r"<?https?://\S+"):
        text = re.sub(pattern, _blank, text, flags=re.DOTALL)
    return text


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "\x00", match.group())


def _comments_in_code(match: re.Match[str]) -> str:
    lines = match.group().split("\n")
    return "\n".join(re.sub(r"^.*?(?=(?<!\S)# |$)", _blank, line, count=1) for line in lines)


def _comments_of_configuration(text: str) -> str:
    return "\n".join(
        re.sub(r"^.*?(?=(?<!\S)#|$)", _blank, line, count=1).replace("#", " ") for line in text.split("\n")
    )


def _in_lines(path: Path, text: str) -> Iterator[Finding]:
    for start, found, instead in findings_in_text(text):
        yield Finding(path, text.count("\n", 0, start) + 1, found, instead)


# --- Python


def _in_python(path: Path) -> Iterator[Finding]:
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    lines = source.split("\n")
    is_test = "tests" in path.parts
    yield from _in_comments(path, source)
    yield from _in_strings(path, tree, lines)
    yield from _in_names(path, tree)
    if not is_test:
        yield from _in_openings(path, tree)


def _in_comments(path: Path, source: str) -> Iterator[Finding]:
    """Yield findings in comments; those of neighbouring lines are one text."""
    block: list[tuple[int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if block and token.start[0] != block[-1][0] + 1:
                yield from _in_block(path, block)
                block = []
            block.append((token.start[0], token.string.lstrip("# ")))
    yield from _in_block(path, block)


def _in_block(path: Path, block: list[tuple[int, str]]) -> Iterator[Finding]:
    if block:
        text = re.sub(r"(`+).+?\1", _blank, "\n".join(line for _, line in block), flags=re.DOTALL)
        for start, found, instead in findings_in_text(text):
            yield Finding(path, block[text.count("\n", 0, start)][0], found, instead)


def _in_strings(path: Path, tree: ast.Module, lines: list[str]) -> Iterator[Finding]:
    for node, text in _texts(tree):
        if " " in text:
            plain = re.sub(r"(`+).+?\1", _blank, text, flags=re.DOTALL)
            for _, found, instead in findings_in_text(plain):
                yield Finding(path, _line_of(found, node, lines), found, instead)


def _texts(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Yield string literals; an f-string is one text, with a mark for each value."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node, node.value
    elif isinstance(node, ast.JoinedStr):
        yield node, "".join(str(part.value) if isinstance(part, ast.Constant) else "\x00" for part in node.values)
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from _texts(part)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _texts(child)


def _line_of(found: str, node: ast.expr, lines: list[str]) -> int:
    """Return the first line of a literal that has the found words, or at least the first of them."""
    last = node.end_lineno or node.lineno
    for words in (found, found.split()[0]):
        for number in range(node.lineno, last + 1):
            if words.lower() in lines[number - 1].lower():
                return number
    return node.lineno


def _in_names(path: Path, tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        name = _defined_name(node)
        if name in WHOLE_NAMES:
            yield Finding(path, node.lineno, f"name {name}", WHOLE_NAMES[name])  # type: ignore[attr-defined]
        for part in set(re.split(r"_|(?<=[a-z])(?=[A-Z])", name)):
            if part.lower() in NAMES:
                yield Finding(path, node.lineno, f"name {name}", NAMES[part.lower()])  # type: ignore[attr-defined]


def _defined_name(node: ast.AST) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.arg):
        return node.arg
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    return ""


def _in_openings(path: Path, tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        docstring = ast.get_docstring(node)
        if not docstring:
            continue
        opening = docstring.split(maxsplit=1)[0]
        word = opening.strip(",.;:")
        line = node.body[0].lineno
        if isinstance(node, ast.Module | ast.ClassDef) or _is_property(node):
            if word in NO_NOUN_PHRASES:
                yield Finding(path, line, f'docstring opens with "{opening}"', "open with a noun phrase")
        elif word not in VERBS:
            advice = "open with an imperative verb, such as Return (listed in VERBS of tools/plain_english.py)"
            yield Finding(path, line, f'docstring opens with "{opening}"', advice)


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(decorator).rpartition(".")[2] in PROPERTIES for decorator in node.decorator_list)


def main() -> None:
    parser = argparse.ArgumentParser(description="List words and openings to avoid, and what to say instead.")
    parser.add_argument("paths", nargs="*", type=Path, help="files and folders; everything that is checked otherwise")
    chosen = parser.parse_args().paths or [ROOT / path for path in CHECKED if (ROOT / path).exists()]
    count = 0
    for file in files_below([path.resolve() for path in chosen]):
        for finding in sorted(findings_in_file(file), key=lambda each: (each.line, each.found)):
            print(finding)
            count += 1
    print(f"{count} to rewrite.")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
