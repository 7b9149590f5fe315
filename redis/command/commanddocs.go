package command

import "github.com/redchan-go/redchan/proto"

// CommandDoc is the documentation of a command.
type CommandDoc struct {
	Name            string // such as "get" or "config|set"
	Summary         string
	Since           string // the version that brought it
	Group           string // such as "string"
	Complexity      string
	Module          string   // empty for a command of the server itself
	Flags           []string // such as "deprecated" and "syscmd"
	DeprecatedSince string
	ReplacedBy      string
	History         []CommandChange
	Arguments       []CommandArgument
	Subcommands     []CommandDoc
}

// CommandChange is what a version changed in a command.
type CommandChange struct{ Version, Change string }

// CommandArgument is an argument of a command, or several that belong together.
type CommandArgument struct {
	Name string
	// Type is "string", "integer", "double", "key", "pattern", "unix-time", "pure-token",
	// "oneof" or "block"; the last two have Arguments.
	Type            string
	DisplayText     string
	Token           string // the word that stands before the argument, or is it
	Summary         string
	Since           string
	DeprecatedSince string
	// KeySpec is, of a key, which of the command's key specifications it belongs to.
	KeySpec Optional[int64]
	// Optional, Multiple and MultipleToken say that it can be left out, that it can
	// be there several times, and that the token is then there as often.
	Optional, Multiple, MultipleToken bool
	Arguments                         []CommandArgument
}

// CommandDocs returns the documentation of commands, of all without names; what the server
// does not have is left out. Those of a container have its sub-commands. O(N). Since 7.0.0.
func CommandDocs(names ...string) Cmd[[]CommandDoc] {
	r := newRequest(&specCommandDocs)
	r.grow(len(names))
	for _, name := range names {
		r.word(name)
	}
	return Cmd[[]CommandDoc]{r, decodeCommandDocs}
}

func decodeCommandDocs(v proto.Value) ([]CommandDoc, error) { return textsOf(v).commandDocs(v) }

// commandDocs decodes a map of names to documentation.
func (t *texts) commandDocs(v proto.Value) ([]CommandDoc, error) {
	docs := make([]CommandDoc, 0, v.Len()/2)
	err := decodeRecord(v, "documentation of commands", func(name string, v proto.Value) error {
		doc := CommandDoc{Name: t.text(name)}
		err := decodeRecord(v, "documentation of a command", func(name string, v proto.Value) error {
			return t.docField(&doc, name, v)
		})
		docs = append(docs, doc)
		return err
	})
	return docs, err
}

// docField takes one field of a command's documentation.
func (t *texts) docField(doc *CommandDoc, name string, v proto.Value) error {
	switch name {
	case "summary":
		return into(&doc.Summary, v, t.string)
	case "since":
		return into(&doc.Since, v, t.string)
	case "group":
		return into(&doc.Group, v, t.string)
	case "complexity":
		return into(&doc.Complexity, v, t.string)
	case "module":
		return into(&doc.Module, v, t.string)
	case "doc_flags":
		return into(&doc.Flags, v, t.strings)
	case "deprecated_since":
		return into(&doc.DeprecatedSince, v, t.string)
	case "replaced_by":
		return into(&doc.ReplacedBy, v, t.string)
	case "history":
		return into(&doc.History, v, t.commandChanges)
	case "arguments":
		return into(&doc.Arguments, v, t.commandArguments)
	case "subcommands":
		return into(&doc.Subcommands, v, t.commandDocs)
	}
	return nil
}

func (t *texts) commandChanges(v proto.Value) ([]CommandChange, error) {
	return decodeEach(v, "changes of a command", func(v proto.Value) (CommandChange, error) {
		pair, err := t.strings(v)
		if err != nil || len(pair) < 2 {
			return CommandChange{}, want("a change of a command")
		}
		return CommandChange{pair[0], pair[1]}, nil
	})
}

func (t *texts) commandArguments(v proto.Value) ([]CommandArgument, error) {
	return decodeEach(v, "arguments of a command", t.commandArgument)
}

func (t *texts) commandArgument(v proto.Value) (CommandArgument, error) {
	var a CommandArgument
	err := decodeRecord(v, "an argument of a command", func(name string, v proto.Value) error {
		switch name {
		case "name":
			return into(&a.Name, v, t.string)
		case "type":
			return into(&a.Type, v, t.string)
		case "display_text":
			return into(&a.DisplayText, v, t.string)
		case "token":
			return into(&a.Token, v, t.string)
		case "summary":
			return into(&a.Summary, v, t.string)
		case "since":
			return into(&a.Since, v, t.string)
		case "deprecated_since":
			return into(&a.DeprecatedSince, v, t.string)
		case "key_spec_index":
			return into(&a.KeySpec, v, optional(decodeInt))
		case "flags":
			return a.setFlags(v)
		case "arguments":
			return into(&a.Arguments, v, t.commandArguments)
		}
		return nil
	})
	return a, err
}

func (a *CommandArgument) setFlags(v proto.Value) error {
	flags, err := decodeStrings(v)
	for _, flag := range flags {
		switch flag {
		case "optional":
			a.Optional = true
		case "multiple":
			a.Multiple = true
		case "multiple_token":
			a.MultipleToken = true
		}
	}
	return err
}
