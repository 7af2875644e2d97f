// SPDX-License-Identifier: MIT

package watersic_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What cgo does not see: it compares every call and constant with the headers, but cannot tell what is missing here.

func textOf(t *testing.T, pattern string) string {
	paths := got[[]string](t)(filepath.Glob(pattern))
	if len(paths) == 0 {
		t.Fatal("there is no ", pattern)
	}
	var text strings.Builder
	for _, path := range paths {
		text.Write(got[[]byte](t)(os.ReadFile(path)))
	}
	return text.String()
}

func words(text, pattern string) map[string]bool {
	found := map[string]bool{}
	for _, word := range regexp.MustCompile(pattern).FindAllString(text, -1) {
		found[word] = true
	}
	return found
}

func TestEveryFunctionIsBoundOrNamed(t *testing.T) {
	const function = `\bwsic_[a-z0-9_]+`
	exported := words(textOf(t, "../../lib/libwatersic.map"), function)
	_, section, _ := strings.Cut(textOf(t, "README.md"), "## What is not bound")
	section, _, _ = strings.Cut(section, "## Tests")
	named := words(section, function)
	var code strings.Builder
	for _, path := range got[[]string](t)(filepath.Glob("*.[gch]*")) {
		if !strings.HasSuffix(path, "_test.go") {
			code.WriteString(textOf(t, path))
		}
	}
	used := words(code.String(), function)
	if len(exported) < 100 {
		t.Fatal(len(exported), " functions")
	}
	for name := range exported {
		if used[name] == (named[name] && name != "wsic_layer_matmul") {
			t.Errorf("%s: used %v, in README.md as not bound %v", name, used[name], named[name])
		}
	}
	for name := range named {
		if !exported[name] {
			t.Errorf("%s: the library has no such function", name)
		}
	}
}

func TestEveryConstantIsBound(t *testing.T) {
	code := words(textOf(t, "*.go"), `\bWSIC_[A-Z0-9_]+`)
	for _, header := range []struct{ file, pattern string }{
		{"base.h", `\bWSIC_ERROR_[A-Z_]+ =`},
		{"base.h", `\bWSIC_B?[FI][0-9]+ =`},
		{"stats.h", `\bWSIC_MOMENT_[A-Z_]+ =`},
		{"plan.h", `\bWSIC_PLAN_[A-Z_]+ =`},
		{"context.h", `\bWSIC_LOG_[A-Z_]+ =`},
	} {
		constants := words(textOf(t, "../../include/watersic/"+header.file), header.pattern)
		if len(constants) < 2 {
			t.Errorf("%s: %d constants %s", header.file, len(constants), header.pattern)
		}
		for text := range constants {
			name := strings.TrimSuffix(text, " =")
			if !code[name] && name != "WSIC_I4" { // codes of half a byte are no slice
				t.Errorf("%s has no name in Go", name)
			}
		}
	}
}
