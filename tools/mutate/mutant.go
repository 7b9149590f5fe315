package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// mutant is one mistake: a piece of a file with another text in its place.
type mutant struct {
	file     string // absolute
	shown    string // below the module
	line     int
	function string
	kind     string
	from, to int    // bytes of the file
	text     string // what is there instead
	old      string // what is there, for people
}

// String says where the mistake is, and what it is.
func (m *mutant) String() string {
	return fmt.Sprintf("%s:%d %s: %s", m.shown, m.line, m.kind, oneLine(m.old))
}

// key names the mistake whatever its line is.
func (m *mutant) key() string {
	return fmt.Sprintf("%s %s %s: %s", m.shown, m.function, m.kind, oneLine(m.old))
}

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	const most = 100
	if len(text) > most {
		text = text[:most] + "..."
	}
	return text
}

// overlay writes the file with the mistake, and the overlay of the compiler that names it.
func (m *mutant) overlay(dir string) (string, error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	b.Write(source[:m.from])
	b.WriteString(m.text)
	b.Write(source[m.to:])
	changed := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(changed, b.Bytes(), 0o600); err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]map[string]string{"Replace": {m.file: changed}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, data, 0o600)
}

// mutantsOf returns all mistakes that can be made in a package.
func mutantsOf(root, name string) ([]mutant, error) {
	files, err := filepath.Glob(filepath.Join(root, name, "*.go"))
	if err != nil {
		return nil, err
	}
	var all []mutant
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_gen.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, file, source, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		shown, err := filepath.Rel(root, file)
		if err != nil {
			return nil, err
		}
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil {
				s := &seeder{fset: fset, source: source, file: file, shown: shown, function: f.Name.Name}
				ast.Inspect(f.Body, s.visit)
				all = append(all, s.found...)
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there is nothing to make mistakes in: %s", name)
	}
	return all, nil
}

// seeder collects the mistakes of a function.
type seeder struct {
	fset                  *token.FileSet
	source                []byte
	file, shown, function string
	found                 []mutant
}

// add adds a mistake in place of a node.
func (s *seeder) add(kind string, node ast.Node, from, to token.Pos, text string) {
	begin, end := s.fset.Position(from), s.fset.Position(to)
	old := s.source[s.fset.Position(node.Pos()).Offset:s.fset.Position(node.End()).Offset]
	s.found = append(s.found, mutant{
		file: s.file, shown: s.shown, function: s.function, line: begin.Line, kind: kind,
		from: begin.Offset, to: end.Offset, text: text, old: string(old),
	})
}

// replaced are the operators that are taken for each other.
var replaced = map[token.Token][]string{
	token.LSS: {"<="}, token.LEQ: {"<"}, token.GTR: {">="}, token.GEQ: {">"},
	token.EQL: {"!="}, token.NEQ: {"=="}, token.LAND: {"||"}, token.LOR: {"&&"},
	token.ADD: {"-"}, token.SUB: {"+"},
}

func (s *seeder) visit(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.IfStmt:
		cond := string(s.source[s.fset.Position(n.Cond.Pos()).Offset:s.fset.Position(n.Cond.End()).Offset])
		s.add("turned around", n.Cond, n.Cond.Pos(), n.Cond.End(), "!("+cond+")")
	case *ast.BinaryExpr:
		for _, other := range replaced[n.Op] {
			s.add(other+" for "+n.Op.String(), n, n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), other)
		}
	case *ast.BlockStmt:
		s.statements(n.List)
	case *ast.CaseClause:
		s.statements(n.Body)
	case *ast.CommClause:
		s.statements(n.Body)
	case *ast.ReturnStmt:
		for _, result := range n.Results {
			if name, ok := result.(*ast.Ident); ok && (name.Name == "true" || name.Name == "false") {
				other := map[string]string{"true": "false", "false": "true"}[name.Name]
				s.add("returned "+other, n, name.Pos(), name.End(), other)
			}
		}
	}
	return true
}

// statements leaves out one statement after the other.
func (s *seeder) statements(list []ast.Stmt) {
	for _, statement := range list {
		switch n := statement.(type) {
		case *ast.IncDecStmt:
			s.add("left out", n, n.Pos(), n.End(), "")
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				s.add("left out", n, n.Pos(), n.End(), unused(n, s.source, s.fset))
			}
		case *ast.ExprStmt:
			if !locks(n.X) {
				s.add("left out", n, n.Pos(), n.End(), "")
			}
		}
	}
}

// unused returns what keeps the variables of an assignment used that is left out.
func unused(n *ast.AssignStmt, source []byte, fset *token.FileSet) string {
	var parts []string
	for _, value := range n.Rhs {
		text := string(source[fset.Position(value.Pos()).Offset:fset.Position(value.End()).Offset])
		if _, call := value.(*ast.CallExpr); !call && text != "nil" {
			parts = append(parts, "_ = "+text)
		}
	}
	return strings.Join(parts, "; ")
}

// locks reports whether a call is one of a mutex: without it tests hang, or the race detector alone
// notices.
func locks(x ast.Expr) bool {
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return false
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	return ok && strings.HasSuffix(selector.Sel.Name, "ock")
}
