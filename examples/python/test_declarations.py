# SPDX-License-Identifier: MIT
"""The package declares what the headers declare: each function with its types, each struct with
its size and offsets, each constant with its value. Usage: test_declarations.py INCLUDE COMPILER..."""

import ctypes
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from watersic import constants, declarations

INCLUDE, *COMPILER = sys.argv[1:]
sys.argv = sys.argv[:1]

NUMBERS = {
    "double": ctypes.c_double,
    "float": ctypes.c_float,
    "int8_t": ctypes.c_int8,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
    "wsic_status": ctypes.c_int32,
}


def headers():
    """All headers, without comments and system headers, as the compiler reads them."""
    text = "".join(path.read_text() for path in sorted(pathlib.Path(INCLUDE).glob("watersic/*.h"))
                   if path.name != "attributes.h")
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"^#.*?(?<!\\)$", "", text, flags=re.S | re.M)
    text = re.sub(r"WSIC_NODISCARD|WSIC_NONNULL\(\d+\)|extern \"C\" \{", " ", text)
    return re.sub(r"\s+", " ", text)


TEXT = headers()


def type_of(text):
    """The type of ctypes that a type of C stands for."""
    words = [word for word in re.findall(r"\w+|\*", text) if word not in ("const", "struct")]
    stars = words.count("*")
    (name,) = [word for word in words if word != "*"]
    if name in declarations.CALLBACKS:
        return declarations.CALLBACKS[name]
    if (name, stars) == ("void", 0):
        return None
    if name == "void":
        found, stars = ctypes.c_void_p, stars - 1
    elif name == "char":
        found, stars = ctypes.c_char_p, stars - 1
    else:
        found = NUMBERS[name] if name in NUMBERS else getattr(declarations, name)
    for _ in range(stars):
        found = ctypes.POINTER(found)
    return found


def parameter_types(text):
    """Types of a list of parameters, of which some may be functions."""
    if text.strip() == "void":
        return []
    found = []
    for parameter in re.split(r",(?![^(]*\))", text):
        function = re.match(r"(.*)\(\*\w+\)\((.*)\)", parameter)
        found.append(callback_type(*function.groups()) if function else
                     type_of(re.sub(r"\w+\s*$", "", parameter)))
    return found


def callback_type(result, parameters):
    return ctypes.CFUNCTYPE(type_of(result), *parameter_types(parameters))




def declared_functions():
    pattern = r"WSIC_API ((?:const )?\w+ \*?)(wsic_\w+)\(([^;]*)\) ?;"
    return {name: [type_of(result), *parameter_types(parameters)]
            for result, name, parameters in re.findall(pattern, TEXT)}


def declared_callbacks():
    pattern = r"typedef (\w+) \(\*(wsic_\w+)\)\(([^;]*)\);"
    return {name: callback_type(result, parameters)
            for result, name, parameters in re.findall(pattern, TEXT)}


def declared_structs():
    """Name of each struct: names and types of its members."""
    found = {}
    for name, body in re.findall(r"typedef struct (wsic_\w+) \{(.*?)\} \1;", TEXT):
        members = []
        for member in filter(str.strip, body.split(";")):
            function = re.match(r"(.*)\(\*(\w+)\)\((.*)\)", member)
            if function:
                result, member_name, parameters = function.groups()
                members.append((member_name, callback_type(result, parameters)))
            else:
                members.append((re.search(r"(\w+)\s*$", member)[1],
                                type_of(re.sub(r"\w+\s*$", "", member))))
        found[name] = members
    return found


def declared_constants():
    """Name of each enumeration: names of its constants."""
    return {name: re.findall(r"\b(WSIC_\w+)\b(?= =)", body)
            for name, body in re.findall(r"\benum (\w+) \{(.*?)\};", TEXT)}


def ask_compiler(expressions):
    """The values of expressions of C."""
    lines = "".join(f'printf("%lld\\n", (long long)({e}));\n' for e in expressions)
    program = (f"#include <stdio.h>\n#include <stddef.h>\n#include <watersic/watersic.h>\n"
               f"int main(void) {{\n{lines}return 0;\n}}\n")
    with tempfile.TemporaryDirectory() as directory:
        source = pathlib.Path(directory, "ask.c")
        source.write_text(program)
        subprocess.run([*COMPILER, "-std=c11", "-I", INCLUDE, str(source), "-o",
                        directory + "/ask"], check=True)
        answer = subprocess.run([directory + "/ask"], check=True, capture_output=True, text=True)
    return [int(line) for line in answer.stdout.split()]


class Declarations(unittest.TestCase):
    def test_nothing_escapes_the_parser(self):
        functions = re.findall(r"\b(wsic_[a-z0-9_]+)\(", re.sub(r"\(\*\w+\)\([^)]*\)", "", TEXT))
        self.assertEqual(sorted(functions), sorted(declared_functions()))
        self.assertGreater(len(functions), 100)
        constants_ = re.findall(r"\b(WSIC_[A-Z0-9_]+) =", TEXT)
        self.assertEqual(sorted(constants_), sorted(sum(declared_constants().values(), [])))
        self.assertEqual(TEXT.count("typedef struct"),
                         len(declared_structs()) + len(self.opaque()))

    @staticmethod
    def opaque():
        return re.findall(r"typedef struct (wsic_\w+) \1;", TEXT)

    def test_functions(self):
        ours, theirs = declarations.FUNCTIONS, declared_functions()
        self.assertEqual(sorted(ours), sorted(theirs))
        for name, types in theirs.items():
            with self.subTest(name):
                self.assertEqual(len(ours[name]), len(types))
                for ours_, theirs_ in zip(ours[name], types):
                    self.assertIs(ours_, theirs_)

    def test_callbacks(self):
        self.assertEqual(declarations.CALLBACKS, declared_callbacks())

    def test_handles(self):
        for name in self.opaque():
            self.assertFalse(hasattr(getattr(declarations, name), "_fields_"), name)

    def test_structs(self):
        theirs = declared_structs()
        ours = {name: kind for name, kind in vars(declarations).items()
                if name.startswith("wsic_") and hasattr(kind, "_fields_")}
        self.assertEqual(sorted(ours), sorted(theirs))
        for name, members in theirs.items():
            self.assertEqual(ours[name]._fields_, members, name)

    def test_layout(self):
        asked, known = [], []
        for name, members in declared_structs().items():
            kind = getattr(declarations, name)
            asked.append(f"sizeof({name})")
            known.append(ctypes.sizeof(kind))
            for member, _ in members:
                asked.append(f"offsetof({name}, {member})")
                known.append(getattr(kind, member).offset)
        self.assertEqual(dict(zip(asked, ask_compiler(asked))), dict(zip(asked, known)))

    def test_constants(self):
        theirs = declared_constants()
        self.assertEqual(sorted(constants.ENUMERATIONS), sorted(theirs))
        for name, (kind, prefix) in constants.ENUMERATIONS.items():
            ours = {prefix + member: value.value for member, value in kind.__members__.items()}
            found = dict(zip(theirs[name], ask_compiler(theirs[name])))
            self.assertEqual(ours, found)

    def test_version(self):
        found = ask_compiler(["WSIC_API_VERSION_MAJOR", "WSIC_API_VERSION_MINOR"])
        self.assertEqual(found, [constants.API_VERSION_MAJOR, constants.API_VERSION_MINOR])

    def test_macros(self):
        """The other macros are about the release that a program is compiled with."""
        text = "".join(path.read_text() for path in pathlib.Path(INCLUDE).glob("watersic/*.h")
                       if path.name != "attributes.h")
        macros = re.findall(r"^#define (WSIC_\w+)", text, re.M)
        self.assertEqual(sorted(macros), [
            "WSIC_API_VERSION_MAJOR", "WSIC_API_VERSION_MINOR", "WSIC_VERSION",
            "WSIC_VERSION_MAJOR", "WSIC_VERSION_MINOR", "WSIC_VERSION_NUMBER",
            "WSIC_VERSION_PATCH"])


if __name__ == "__main__":
    unittest.main()
