package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// entry is what one server says about one command or sub-command.
type entry struct {
	name                       string // in capitals: "CLIENT KILL"
	arity                      int
	flags                      []string // as the server names them
	firstKey, lastKey, keyStep int
	since                      string
}

// ask returns the commands of a server.
func ask(ctx context.Context, address string) ([]entry, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	questions := [...][]string{
		{"COMMAND"},
		{"COMMAND", "DOCS"},
		{"COMMAND", "LIST", "FILTERBY", "MODULE", bundled},
	}
	var b []byte
	for _, question := range questions {
		b = proto.AppendArray(b, len(question))
		for _, word := range question {
			b = proto.AppendString(b, word)
		}
	}
	if _, err := conn.Write(b); err != nil {
		return nil, err
	}
	reader := proto.NewReader(conn, proto.Limits{})
	var replies [len(questions)]proto.Value
	for i, question := range questions {
		name := strings.Join(question, " ")
		if replies[i], err = reader.Next(); err == nil {
			err = replies[i].Err()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	since := map[string]string{}
	for name := range replies[2].All() { // COMMAND DOCS says nothing of modules
		since[tableName(name.Str())] = bundledSince
	}
	entries, err := parseCommands(replies[0], since)
	if err != nil {
		return nil, err
	}
	parseDocs(replies[1], since)
	for i := range entries {
		entries[i].since = since[entries[i].name]
	}
	return entries, nil
}

// The elements of one command in the reply to COMMAND that are read here.
const (
	elementName = iota
	elementArity
	elementFlags
	elementFirstKey
	elementLastKey
	elementKeyStep
	elementSubcommands = 9
)

// bundled is the module that comes with every Redis since bundledSince, so that its
// commands are in the table: vector sets. No other module's are.
const (
	bundled      = "vectorset"
	bundledSince = "8.0.0"
)

// parseCommands reads the reply to COMMAND, or a command's list of sub-commands, but for
// the commands of modules that are not in ofBundled.
func parseCommands(commands proto.Value, ofBundled map[string]string) ([]entry, error) {
	var entries []entry
	for command := range commands.All() {
		if command.Len() <= elementSubcommands {
			return nil, fmt.Errorf("COMMAND describes a command by %d elements, wanted more than %d: is the server older than 7.0?", command.Len(), elementSubcommands)
		}
		found := entry{
			name:     tableName(command.Index(elementName).Str()),
			arity:    int(command.Index(elementArity).Int()),
			firstKey: int(command.Index(elementFirstKey).Int()),
			lastKey:  int(command.Index(elementLastKey).Int()),
			keyStep:  int(command.Index(elementKeyStep).Int()),
		}
		for flag := range command.Index(elementFlags).All() {
			found.flags = append(found.flags, flag.Str())
		}
		subcommands, err := parseCommands(command.Index(elementSubcommands), ofBundled)
		if err != nil {
			return nil, err
		}
		// A container is no command, unless it may be sent alone, as COMMAND.
		alone := len(subcommands) == 0 || found.arity == -1
		if alone && (!fromModule(found) || ofBundled[found.name] != "") {
			entries = append(entries, found)
		}
		entries = append(entries, subcommands...)
	}
	return entries, nil
}

// fromModule reports whether a command is not the server's own.
func fromModule(found entry) bool {
	return slices.Contains(found.flags, "module") || strings.Contains(found.name, ".") || strings.HasPrefix(found.name, "_")
}

// parseDocs reads the reply to COMMAND DOCS, which alternates names and descriptions,
// into the versions by name. Sub-commands are described inside their container.
func parseDocs(docs proto.Value, since map[string]string) {
	for name, fields := range docs.Pairs() {
		for field, value := range fields.Pairs() {
			switch field.Str() {
			case "since":
				since[tableName(name.Str())] = value.Str()
			case "subcommands":
				parseDocs(value, since)
			}
		}
	}
}

// tableName turns a server's name of a command, as "client|kill", into the table's.
func tableName(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "|", " "))
}
