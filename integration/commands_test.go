package integration

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

// The tests of the commands are in commands_*_test.go, by the kind of data. Each
// result is compared with what the server's documentation promises.

// equal runs a command and compares its result.
func equal[T any](f *fixture, client command.Doer, cmd command.Cmd[T], want T) {
	f.Helper()
	if f.lacks(cmd) {
		return
	}
	got, err := cmd.Do(f.ctx, client)
	r := cmd.Request()
	if err != nil {
		f.Errorf("%s: %v", r.Name(), err)
	} else if !reflect.DeepEqual(got, want) {
		f.Errorf("%s = %#v, want %#v", r.Name(), got, want)
	}
}

// lacks reports, and lists, that Redis 6.0 is too old for a command. What the others lack
// the tests tell themselves.
func (f *fixture) lacks(cmd command.Queueable) bool {
	r := cmd.Request()
	if f.server.Role() != "redis6" || r.Spec() == nil || f.has(r.Spec().Since) {
		return false
	}
	servers.LeftOut(f.Name(), r.Name())
	return true
}

// result runs a command that must succeed, for results that are not known before. A
// server that is too old for it ends the test, which is listed.
func result[T any](f *fixture, client command.Doer, cmd command.Cmd[T]) T {
	f.Helper()
	if r := cmd.Request(); f.lacks(cmd) {
		f.since(r.Spec().Since, r.Name())
	}
	got, err := cmd.Do(f.ctx, client)
	if err != nil {
		r := cmd.Request()
		f.Fatalf("%s: %v", r.Name(), err)
	}
	return got
}

// serverNow is a moment that is not later than now by a server's clock, which tells
// whole seconds and may be a tick behind ours.
func serverNow() time.Time {
	return time.Now().Add(-time.Second).Truncate(time.Second)
}

// missing runs a command that must say that there is nothing: redis.Nil.
func missing[T any](f *fixture, client command.Doer, cmd command.Cmd[T]) {
	f.Helper()
	if f.lacks(cmd) {
		return
	}
	if got, err := cmd.Do(f.ctx, client); !errors.Is(err, redis.Nil) {
		r := cmd.Request()
		f.Errorf("%s = %#v, %v, want redis.Nil", r.Name(), got, err)
	}
}

// refused runs a command that the server must answer with an error of this code,
// which is final.
func refused[T any](f *fixture, client command.Doer, cmd command.Cmd[T], code string) {
	f.Helper()
	if f.lacks(cmd) {
		return
	}
	got, err := cmd.Do(f.ctx, client)
	var reply *redis.ReplyError
	if !errors.As(err, &reply) || reply.Code != code || redis.SafeToRetry(err) {
		r := cmd.Request()
		f.Errorf("%s = %#v, %v, want a final error %s", r.Name(), got, err, code)
	}
}

// done is the result of commands that answer OK and nothing else.
var done struct{}

// TestEveryConstructorIsCalled compares the constructors that package command
// exports with those that the tests of the commands and of the values mention.
func TestEveryConstructorIsCalled(t *testing.T) {
	files, err := filepath.Glob("commands_*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	called := mentioned(t, append(files, "values_test.go")...)
	for _, name := range constructors(t) {
		if !called[name] {
			t.Errorf("command.%s is called by no test in commands_*_test.go", name)
		}
	}
}

// constructors returns the names of the exported functions of package command that
// return a Cmd.
func constructors(t *testing.T) []string {
	t.Helper()
	names := map[string]bool{}
	for _, file := range parseDir(t, "../redis/command") {
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || function.Recv != nil || !function.Name.IsExported() {
				continue
			}
			results := function.Type.Results
			if results == nil || len(results.List) != 1 {
				continue
			}
			if generic, ok := results.List[0].Type.(*ast.IndexExpr); ok {
				if name, ok := generic.X.(*ast.Ident); ok && name.Name == "Cmd" {
					names[function.Name.Name] = true
				}
			}
		}
	}
	const atLeast = 50 // were there fewer, this function would not find them any more
	if len(names) < atLeast {
		t.Fatalf("found %d constructors only", len(names))
	}
	return slices.Sorted(maps.Keys(names))
}

// parseDir parses the files of a package without its tests.
func parseDir(t *testing.T, directory string) []*ast.File {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			files = append(files, parseFile(t, filepath.Join(directory, name)))
		}
	}
	return files
}

func parseFile(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// mentioned returns the names that files use of package command.
func mentioned(t *testing.T, files ...string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, file := range files {
		ast.Inspect(parseFile(t, file), func(node ast.Node) bool {
			if selector, ok := node.(*ast.SelectorExpr); ok {
				if from, ok := selector.X.(*ast.Ident); ok && from.Name == "command" {
					names[selector.Sel.Name] = true
				}
			}
			return true
		})
	}
	return names
}

// integer returns the number in a reply without a type of its own.
func integer(f *fixture, client command.Doer, words ...any) int64 {
	f.Helper()
	name, _ := words[0].(string)
	return result(f, client, command.AsInt(command.Raw(name, words[1:]...)))
}

// replyCode returns the code of the server's error in err; empty if there is none.
func replyCode(err error) string {
	var reply *proto.Error
	if errors.As(err, &reply) {
		return reply.Code
	}
	return ""
}
