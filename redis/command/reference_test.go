package command_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReference holds the comments of the constructors to what a reference needs: the
// complexity, and the first version of a server that has the command. What only decodes
// has neither.
func TestReference(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	since := regexp.MustCompile(`Since (Redis |Valkey )?\d+\.\d+`)
	checked := 0
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_gen.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			fn, ok := declaration.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !fn.Name.IsExported() || fn.Type.TypeParams != nil || fn.Name.Name == "Raw" || !returnsCmd(fn) {
				continue
			}
			checked++
			text := strings.Join(strings.Fields(fn.Doc.Text()), " ")
			if !strings.HasPrefix(text, fn.Name.Name+" ") {
				t.Errorf("%s: the comment of %s does not begin with its name", name, fn.Name.Name)
			}
			if !strings.Contains(text, "O(") {
				t.Errorf("%s: the comment of %s does not tell its complexity", name, fn.Name.Name)
			}
			if !since.MatchString(text) {
				t.Errorf("%s: the comment of %s does not tell since when servers have it", name, fn.Name.Name)
			}
		}
	}
	const atLeast = 300 // were there fewer, they would not be found any more
	if checked < atLeast {
		t.Errorf("%d constructors only", checked)
	}
}

// returnsCmd reports whether the only result of a function is a Cmd.
func returnsCmd(fn *ast.FuncDecl) bool {
	if fn.Type.Results == nil || len(fn.Type.Results.List) != 1 {
		return false
	}
	generic, ok := fn.Type.Results.List[0].Type.(*ast.IndexExpr)
	if !ok {
		return false
	}
	name, ok := generic.X.(*ast.Ident)
	return ok && name.Name == "Cmd"
}
