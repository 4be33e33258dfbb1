#!/usr/bin/env python3
"""Writes the lists of man/wetread-wire.5 from the tables: run it after a row was added.

    tools/wire-lists.py           writes
    tools/wire-lists.py --check   says what is old and fails
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
PAGE = TOP / "man" / "wetread-wire.5"


def rows(table, macro):
    """The arguments of each macro call, strings without their quotes."""
    text = re.sub(r"/\*.*?\*/", "", (TOP / "tbl" / (table + ".def")).read_text(), flags=re.S)
    for call in re.finditer(r"^" + macro + r"\(((?:[^()\"]|\"[^\"]*\")*)\)", text, flags=re.M | re.S):
        yield [a.strip().strip('"') for a in re.findall(r'(?:"[^"]*"|[^,"])+', call.group(1))]


def mdoc(text):
    """Backquotes to .Ql would need a line of their own: plain quotes do."""
    return text.replace("\\", "\\e").replace("`", "'")


def item(head, text):
    return [".It " + head, mdoc(text)]


def roles(words):
    return "anybody" if words == "ROLE_ANY" else ", ".join(r.replace("ROLE_", "").lower() for r in words.split(" | "))


def bl(lines):
    return [".Bl -tag -width Ds", *lines, ".El"]


def methods():
    out = []
    for _, name, phases, who, params, result, text in rows("method", "METHOD"):
        when = phases.replace("PHASE_", "").lower().replace(" | ", ", ")
        out += item("Ic " + name, f"{text}.")
        out += [f"Phase {when}; {roles(who)}.", ".br", f"{params or 'nothing'} \\(-> {result}"]
    return bl(out)


def notices():
    out = []
    for _, name, params, text in rows("method", "NOTICE"):
        out += item("Ic " + name, text + ".") + [".br", params]
    return bl(out)


def commands():
    out = []
    for _, name, _, args, who, text in rows("command", "CMD"):
        out += item("Ic " + name, text + ".") + [f"For {roles(who)}."]
        if args:
            out += [".br", args.replace("...", "")]
    return bl(out)


def errors():
    names = {}
    out = []
    for name, _, rpc, code, hl7, text in rows("errors", "ERR"):
        names[name] = name.lower()
        more = f" (HL7 {hl7})" if hl7 != "0" else ""
        out += item(names[name], f"{rpc}{more}: {text}")
    return bl(out)


def events():
    out = []
    for _, number, name, rec, audience, text in rows("event", "EVENT"):
        mark = ", audit" if audience == "AUDIT" else ""
        out += item(name, f"({rec}{mark}) {text}")
    return bl(out)


def fields():
    out = []
    for table in ("study", "hold", "site", "user", "policy"):
        out += [".Ss " + table, ".Bl -tag -width images_expected"]
        for name, kind, flag, text in rows(table, "FIELD"):
            if flag == "LIST":
                out += item(name, f"({kind.lower().replace('enum_', '')}) {text}")
        out.append(".El")
    return out


def fill(page):
    def block(match):
        lines = globals()[match.group(2)]()
        return match.group(1) + "\n".join(lines) + "\n" + '.\\" end\n'

    return re.sub(r'(\.\\" begin (\w+):[^\n]*\n).*?\.\\" end\n', block, page, flags=re.S)


def main():
    old = PAGE.read_text()
    new = fill(old)
    if "--check" in sys.argv[1:]:
        if old != new:
            sys.exit("man/wetread-wire.5 is not as the tables are: run tools/wire-lists.py")
        return
    PAGE.write_text(new)


if __name__ == "__main__":
    main()
