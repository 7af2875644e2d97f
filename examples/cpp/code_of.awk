# SPDX-License-Identifier: MIT
# The program of tutorial.md: the first piece of code as it is, the others within main().
/^```cpp$/ { pieces++; code = 1; if (pieces == 2) print "int main()\n{"; next }
/^```$/ { code = 0; next }
code { print }
END { print "}" }
