package command

import (
	"errors"

	"github.com/redchan-go/redchan/proto"
)

// CommandCount returns how many commands the server has. O(1). Since 2.8.13.
func CommandCount() Cmd[int64] { return Cmd[int64]{newRequest(&specCommandCount), decodeInt} }

// CommandListOption is an option of [CommandList]: [Match], [InModule], [InCategory].
type CommandListOption interface{ commandListOption() tokens }

func (m Match) commandListOption() tokens { return filterBy("PATTERN", string(m)) }

type commandListOption tokens

func (o commandListOption) commandListOption() tokens { return tokens(o) }

// InModule lets [CommandList] list the commands of a module only.
func InModule(name string) CommandListOption { return commandListOption(filterBy("MODULE", name)) }

// InCategory lets [CommandList] list the commands of an ACL category only, such as "read".
func InCategory(name string) CommandListOption { return commandListOption(filterBy("ACLCAT", name)) }

func filterBy(kind, value string) tokens {
	t := option(groupMatch, "FILTERBY", word(kind), word(value))
	t.name = kind
	return t
}

// CommandList returns the names of the server's commands, sub-commands as in
// "client|list"; one option can narrow them. O(N). Since 7.0.0.
func CommandList(opts ...CommandListOption) Cmd[[]string] {
	r := newRequest(&specCommandList)
	addOptions(&r, opts, CommandListOption.commandListOption)
	return Cmd[[]string]{r, decodeStrings}
}

// CommandGetKeys returns which arguments of a command are keys. An error: it has none, or
// the command is not one. O(N). Since 2.8.13.
func CommandGetKeys(command string, args ...any) Cmd[[]string] {
	return Cmd[[]string]{keysOf(&specCommandGetkeys, command, args), decodeStrings}
}

// KeyFlags is a key of a command and what the command does to it.
type KeyFlags struct {
	Key string
	// Flags are such as "RO" (it reads the key), "RW" (it changes what is there), "OW" (it
	// overwrites), "RM" (it removes), "access", "update", "insert" and "delete".
	Flags []string
}

// CommandGetKeysAndFlags is [CommandGetKeys] with what the command does to the keys.
// O(N). Since 7.0.0.
func CommandGetKeysAndFlags(command string, args ...any) Cmd[[]KeyFlags] {
	return Cmd[[]KeyFlags]{keysOf(&specCommandGetkeysandflags, command, args), decodeKeyFlags}
}

func keysOf(spec *Spec, command string, args []any) Request {
	r := newRequest(spec)
	r.grow(1 + len(args))
	r.word(command)
	for i := range args {
		r.value(args[i])
	}
	return r
}

func decodeKeyFlags(v proto.Value) ([]KeyFlags, error) {
	return decodeEach(v, "keys and flags", textsOf(v).keyFlags)
}

func (t *texts) keyFlags(v proto.Value) (KeyFlags, error) {
	var k KeyFlags
	if v.Kind() != proto.KindArray || v.Len() < 2 {
		return k, want("a key and its flags")
	}
	return k, errors.Join(into(&k.Key, v.Index(0), t.string), into(&k.Flags, v.Index(1), t.strings))
}

// CommandDescription is what a server says of a command to its clients.
type CommandDescription struct {
	Name  string // such as "get" or "config|set"
	Arity int    // words with the name's own; negative: at least as many
	Flags []string
	// FirstKey, LastKey and KeyStep say which words are keys; FirstKey is 0 where
	// there are none. KeySpecs say it better.
	FirstKey, LastKey, KeyStep int
	Categories                 []string  // of ACLs, such as "@read". Since 6.0.0
	Tips                       []string  // such as "request_policy:all_shards". Since 7.0.0
	KeySpecs                   []KeySpec // since 7.0.0
	Subcommands                []CommandDescription
}

// KeySpec says where a command has keys.
type KeySpec struct {
	Notes string
	Flags []string // see [KeyFlags]
	Begin KeyBegin
	Find  KeyFind
}

// KeyBegin says where the first key is.
type KeyBegin struct {
	Type    string // "index", "keyword" or "unknown"
	Index   int    // of "index": the word
	Keyword string // of "keyword": the word that stands before the key
	From    int    // of "keyword": the word to start at; negative: from the end
}

// KeyFind says how to find the other keys, from the first one on.
type KeyFind struct {
	Type    string // "range", "keynum" or "unknown"
	LastKey int    // of "range"; negative: from the end
	KeyStep int
	Limit   int // of "range": how much of the words, as its reciprocal; 0 and 1 are all
	// KeyNum is, of "keynum", the word with the number of keys, and FirstKey the
	// first of them.
	KeyNum, FirstKey int
}

// CommandInfo returns what the server says of commands, sub-commands as in "client|list",
// to its clients, in the order given; missing where it does not have one. Without names
// it is of all commands. O(N). Since 2.8.13.
func CommandInfo(names ...string) Cmd[[]Optional[CommandDescription]] {
	r := newRequest(&specCommandInfo)
	r.grow(len(names))
	for _, name := range names {
		r.word(name)
	}
	return Cmd[[]Optional[CommandDescription]]{r, decodeCommandDescriptions}
}

func decodeCommandDescriptions(v proto.Value) ([]Optional[CommandDescription], error) {
	return decodeEach(v, "descriptions of commands", optional(textsOf(v).commandDescription))
}

// commandDescription decodes 6 elements, and 10 since 7.0.0.
func (t *texts) commandDescription(v proto.Value) (CommandDescription, error) {
	var d CommandDescription
	const least, since6, most = 6, 7, 10
	if v.Kind() != proto.KindArray || v.Len() < least {
		return d, want("a description of a command")
	}
	err := errors.Join(
		into(&d.Name, v.Index(0), t.string),
		into(&d.Arity, v.Index(1), decodeNumber),
		into(&d.Flags, v.Index(2), t.strings),
		into(&d.FirstKey, v.Index(3), decodeNumber),
		into(&d.LastKey, v.Index(4), decodeNumber),
		into(&d.KeyStep, v.Index(5), decodeNumber),
	)
	if v.Len() >= since6 {
		err = errors.Join(err, into(&d.Categories, v.Index(6), t.strings))
	}
	if v.Len() >= most {
		err = errors.Join(
			err,
			into(&d.Tips, v.Index(7), t.strings),
			into(&d.KeySpecs, v.Index(8), t.keySpecs),
			into(&d.Subcommands, v.Index(9), t.commandDescriptions),
		)
	}
	return d, err
}

func (t *texts) commandDescriptions(v proto.Value) ([]CommandDescription, error) {
	return decodeEach(v, "descriptions of commands", t.commandDescription)
}

func (t *texts) keySpecs(v proto.Value) ([]KeySpec, error) {
	return decodeEach(v, "key specifications", t.keySpec)
}

func (t *texts) keySpec(v proto.Value) (KeySpec, error) {
	var s KeySpec
	err := decodeRecord(v, "a key specification", func(name string, v proto.Value) error {
		switch name {
		case "notes":
			return into(&s.Notes, v, t.string)
		case "flags":
			return into(&s.Flags, v, t.strings)
		case "begin_search":
			return t.keySearch(v, &s.Begin.Type, s.Begin.set)
		case "find_keys":
			return t.keySearch(v, &s.Find.Type, s.Find.set)
		}
		return nil
	})
	return s, err
}

// keySearch decodes a type and a record of that type, whose fields it gives to set.
func (t *texts) keySearch(v proto.Value, kind *string, set func(*texts, string, proto.Value) error) error {
	return decodeRecord(v, "a key search", func(name string, v proto.Value) error {
		switch name {
		case "type":
			return into(kind, v, t.string)
		case "spec":
			return decodeRecord(v, "a key search", func(name string, v proto.Value) error {
				return set(t, name, v)
			})
		}
		return nil
	})
}

func (b *KeyBegin) set(t *texts, name string, v proto.Value) error {
	switch name {
	case "index":
		return into(&b.Index, v, decodeNumber)
	case "keyword":
		return into(&b.Keyword, v, t.string)
	case "startfrom":
		return into(&b.From, v, decodeNumber)
	}
	return nil
}

func (f *KeyFind) set(_ *texts, name string, v proto.Value) error {
	switch name {
	case "lastkey":
		return into(&f.LastKey, v, decodeNumber)
	case "keystep":
		return into(&f.KeyStep, v, decodeNumber)
	case "limit":
		return into(&f.Limit, v, decodeNumber)
	case "keynumidx":
		return into(&f.KeyNum, v, decodeNumber)
	case "firstkey":
		return into(&f.FirstKey, v, decodeNumber)
	}
	return nil
}
