package command

import (
	"time"

	"github.com/redchan-go/redchan/proto"
)

// Del removes keys and returns how many there were. O(N), and O(M) for a key
// with M elements: [Unlink] frees those in the background. Since 1.0.0.
func Del(keys ...string) Cmd[int64] {
	r := newRequest(&specDel)
	r.allKeys(keys)
	return Cmd[int64]{r, decodeInt}
}

// Unlink removes keys, freeing their memory in the background, and returns how
// many there were. O(1) for each key. Since 4.0.0.
func Unlink(keys ...string) Cmd[int64] {
	r := newRequest(&specUnlink)
	r.allKeys(keys)
	return Cmd[int64]{r, decodeInt}
}

// Exists returns how many of the keys exist; a key given twice counts twice.
// O(N). Since 1.0.0.
func Exists(keys ...string) Cmd[int64] {
	r := newRequest(&specExists)
	r.allKeys(keys)
	return Cmd[int64]{r, decodeInt}
}

// Touch marks keys as used just now, for servers that evict what was not used for
// long, and returns how many there were. O(N). Since 3.2.1.
func Touch(keys ...string) Cmd[int64] {
	r := newRequest(&specTouch)
	r.allKeys(keys)
	return Cmd[int64]{r, decodeInt}
}

// Type returns the type of a key's value: "string", "list", "set", "zset", "hash",
// "stream", or that of a module. [Nil]: the key does not exist. O(1). Since 1.0.0.
func Type(key string) Cmd[string] {
	r := newRequest(&specType)
	r.key(key)
	return Cmd[string]{r, decodeType}
}

func decodeType(v proto.Value) (string, error) {
	s, err := decodeText(v)
	if err == nil && s == "none" {
		return "", Nil
	}
	return s, err
}

// Rename gives a key another name; a key that had that name is gone. A key that
// does not exist is an error. O(1). Since 1.0.0.
func Rename(key, name string) Cmd[struct{}] {
	r := newRequest(&specRename)
	r.key(key)
	r.key(name)
	return Cmd[struct{}]{r, decodeOK}
}

// RenameNX is [Rename] where no key has the new name. False: one has it. O(1).
// Since 1.0.0.
func RenameNX(key, name string) Cmd[bool] {
	r := newRequest(&specRenamenx)
	r.key(key)
	r.key(name)
	return Cmd[bool]{r, decodeBool}
}

// CopyOption is an option of [Copy]: [ToDB], [Replace].
type CopyOption interface{ copyOption() tokens }

type toDB int64

// ToDB lets [Copy] write into another database.
func ToDB(db int) CopyOption { return toDB(db) }

func (db toDB) copyOption() tokens {
	t := option(groupBy, "DB", integer(int64(db)))
	t.err = noDatabase(int64(db))
	return t
}

// noDatabase refuses what is no number of a database.
func noDatabase(db int64) error {
	if db < 0 {
		return badArgument("a database has no negative number")
	}
	return nil
}

// Replacing is an option of commands that create something: [Replace].
type Replacing string

// Replace lets [Copy], [Restore] and [Migrate] write over a key that is there, and
// [FunctionLoad] over a library.
const Replace Replacing = "REPLACE"

func (o Replacing) tokens() tokens        { return flag(groupFlag, o, Replace) }
func (o Replacing) copyOption() tokens    { return o.tokens() }
func (o Replacing) restoreOption() tokens { return o.tokens() }
func (o Replacing) migrateOption() tokens { return o.tokens() }

func (o Replacing) functionLoadOption() tokens { return o.tokens() }

// Copy copies a key with its expiry. False: it does not exist, or there is a key
// of the new name and Replace was not given. O(1) for a string, otherwise O(N).
// Since 6.2.0.
func Copy(from, to string, opts ...CopyOption) Cmd[bool] {
	r := newRequest(&specCopy)
	r.key(from)
	r.key(to)
	addOptions(&r, opts, CopyOption.copyOption)
	return Cmd[bool]{r, decodeBool}
}

// Move moves a key to another database of the server. False: the key does not
// exist, or there is one of its name. O(1). Since 1.0.0.
func Move(key string, db int) Cmd[bool] {
	r := newRequest(&specMove)
	r.key(key)
	r.fail(noDatabase(int64(db)))
	r.int(int64(db))
	return Cmd[bool]{r, decodeBool}
}

// RandomKey returns one of the keys of the database. [Nil]: it has none. O(1).
// Since 1.0.0.
func RandomKey() Cmd[string] {
	return Cmd[string]{newRequest(&specRandomkey), decodeString}
}

// ObjectEncoding returns how the server holds a value in memory, such as
// "embstr" or "listpack". [Nil]: the key does not exist. O(1). Since 2.2.3.
func ObjectEncoding(key string) Cmd[string] {
	r := newRequest(&specObjectEncoding)
	r.key(key)
	return Cmd[string]{r, decodeString}
}

// ObjectFreq returns about how often a key is used, as a logarithm, for servers
// with an LFU eviction policy; others answer with an error. [Nil]: the key does not
// exist. O(1). Since 4.0.0.
func ObjectFreq(key string) Cmd[int64] {
	r := newRequest(&specObjectFreq)
	r.key(key)
	return Cmd[int64]{r, decodeInt}
}

// ObjectIdleTime returns for how long a key was not used, to the second; servers
// with an LFU eviction policy answer with an error. [Nil]: the key does not exist.
// O(1). Since 2.2.3.
func ObjectIdleTime(key string) Cmd[time.Duration] {
	r := newRequest(&specObjectIdletime)
	r.key(key)
	return Cmd[time.Duration]{r, decodeSeconds}
}

func decodeSeconds(v proto.Value) (time.Duration, error) {
	n, err := decodeInt(v)
	return time.Duration(n) * time.Second, err
}

// ObjectRefCount returns how many references there are to a key's value. [Nil]: the
// key does not exist. O(1). Since 2.2.3.
func ObjectRefCount(key string) Cmd[int64] {
	r := newRequest(&specObjectRefcount)
	r.key(key)
	return Cmd[int64]{r, decodeInt}
}
