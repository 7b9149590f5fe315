package command

import (
	"time"

	"github.com/redchan-go/redchan/proto"
)

// Dump returns the value of a key in the server's own form, for [Restore]. [Nil]:
// the key does not exist. O(1), and O(N*M) for N elements of size M. Since 2.6.0.
func Dump(key string) Cmd[[]byte] {
	r := newRequest(&specDump)
	r.key(key)
	return Cmd[[]byte]{r, decodeBytes}
}

// RestoreOption is an option of [Restore]: [EX], [EXAT], [Replace], [IdleTime],
// [Frequency].
type RestoreOption interface{ restoreOption() tokens }

// The time itself stands in front of the value, see Restore.
func (e Expiry) restoreOption() tokens {
	t := e.tokens()
	t.n = 0
	if e.at {
		t.args[0], t.n = word("ABSTTL"), 1
	}
	return t
}

type idleTime time.Duration

// IdleTime says for how long a key of [Restore] was not used, rounded up to a second.
func IdleTime(d time.Duration) RestoreOption { return idleTime(d) }

func (i idleTime) restoreOption() tokens {
	t := option(groupCount, "IDLETIME", integer(roundedUp(time.Duration(i), time.Second)))
	if i < 0 {
		t.err = badArgument("a negative time")
	}
	return t
}

type frequency int64

// Frequency says how often a key of [Restore] is used, as [ObjectFreq] tells it:
// 0 to 255.
func Frequency(n int64) RestoreOption { return frequency(n) }

func (n frequency) restoreOption() tokens {
	const most = 255
	t := option(groupCount, "FREQ", integer(int64(n)))
	if n < 0 || n > most {
		t.err = badArgument("a frequency is a number from 0 to 255")
	}
	return t
}

// Restore creates a key from what [Dump] returned; without EX and EXAT it never
// expires. A key that is there is an error, BUSYKEY, unless Replace is given.
// O(1), and O(N*M) for N elements of size M. Since 2.6.0.
func Restore(key string, dump []byte, opts ...RestoreOption) Cmd[struct{}] {
	r := newRequest(&specRestore)
	r.key(key)
	var ms int64
	for _, opt := range opts {
		if e, ok := opt.(Expiry); ok {
			ms = e.ms
		}
	}
	r.int(ms)
	r.data(dump)
	addOptions(&r, opts, RestoreOption.restoreOption)
	return Cmd[struct{}]{r, decodeOK}
}

// MigrateOption is an option of [Migrate]: [KeepSource], [Replace],
// [WithPassword], [WithUser].
type MigrateOption interface{ migrateOption() tokens }

// MigrateFlag is an option of [Migrate]: [KeepSource].
type MigrateFlag string

// KeepSource lets [Migrate] leave the keys where they are: the option COPY.
const KeepSource MigrateFlag = "COPY"

func (f MigrateFlag) migrateOption() tokens { return flag(groupFlag, f, KeepSource) }

type login struct{ user, password string }

// WithPassword is the password by which [Migrate] logs in to the other server: the
// option AUTH.
func WithPassword(password string) MigrateOption { return login{"", password} }

// WithUser is the user and the password by which [Migrate] logs in to the other
// server: the option AUTH2. Since 6.0.0.
func WithUser(user, password string) MigrateOption { return login{user, password} }

func (l login) migrateOption() tokens {
	if l.user == "" {
		return option(groupFrom, "AUTH", word(l.password))
	}
	return option(groupFrom, "AUTH2", word(l.user), word(l.password))
}

// Target is the server and the database to which [Migrate] moves keys.
type Target struct {
	Host string
	Port int
	DB   int
}

// Migrate moves keys to another server; neither of the two does anything else
// meanwhile. It fails when the other one is silent for timeout, and the keys may
// then be in both. False: none of the keys exists. O(N). Since 2.6.0; several keys
// since 3.0.6.
func Migrate(to Target, keys []string, timeout time.Duration, opts ...MigrateOption) Cmd[bool] {
	const ports = 1 << 16
	r := newRequest(&specMigrate)
	r.word(to.Host)
	r.int(int64(to.Port))
	if to.Host == "" || to.Port <= 0 || to.Port >= ports {
		r.fail(badArgument("no server: give host and port"))
	}
	if len(keys) == 1 {
		r.key(keys[0])
	} else {
		r.word("")
	}
	r.int(int64(to.DB))
	r.fail(noDatabase(int64(to.DB)))
	r.int(milliseconds(timeout))
	if timeout <= 0 {
		r.fail(badArgument("a timeout must be positive"))
	}
	addOptions(&r, opts, MigrateOption.migrateOption)
	if len(keys) != 1 {
		r.word("KEYS")
		r.allKeys(keys)
	}
	r.mayBlock(0) // timeout bounds every step of it, not the whole
	return Cmd[bool]{r, decodeMigrated}
}

func decodeMigrated(v proto.Value) (bool, error) {
	if isText(v) && v.Str() == "NOKEY" {
		return false, nil
	}
	_, err := decodeOK(v)
	return err == nil, err
}

// Wait waits until replicas have received the writes of its connection before it,
// without end where timeout is 0, and returns how many have, also when the time is
// over. It stands in a [Batch] behind the writes, and is refused alone. O(1). Since
// 3.0.0.
func Wait(replicas int, timeout time.Duration) Cmd[int64] {
	r := newRequest(&specWait)
	r.replicas(replicas)
	r.waitMilliseconds(timeout)
	return Cmd[int64]{r, decodeInt}
}

// Persisted says who has the writes on disk that [WaitAOF] has waited for.
type Persisted struct {
	Local    bool  // the server itself
	Replicas int64 // how many replicas
}

// WaitAOF waits until local servers, which is 1 for the server itself or 0, and replicas
// have the writes of its connection before it in their append-only files, without end
// where timeout is 0. It returns who has, also when the time is over. It stands in a
// [Batch] behind the writes, and is refused alone. With a local of 1, a server without
// such a file answers with an error. O(1). Since 7.2.0.
func WaitAOF(local, replicas int, timeout time.Duration) Cmd[Persisted] {
	r := newRequest(&specWaitaof)
	if local != 0 && local != 1 {
		r.fail(badArgument("the number of local servers is 0 or 1"))
	}
	r.int(int64(local))
	r.replicas(replicas)
	r.waitMilliseconds(timeout)
	return Cmd[Persisted]{r, decodePersisted}
}

func (r *Request) replicas(n int) {
	if n < 0 {
		r.fail(badArgument("a negative number of replicas"))
	}
	r.int(int64(n))
}

// waitMilliseconds appends how long a command may block; 0 is without end.
func (r *Request) waitMilliseconds(timeout time.Duration) {
	if timeout < 0 {
		r.fail(badArgument("a negative time"))
	}
	r.int(milliseconds(timeout))
	r.mayBlock(timeout)
}

func decodePersisted(v proto.Value) (Persisted, error) {
	counts, err := decodeInts(v)
	if err != nil || len(counts) != 2 {
		return Persisted{}, want("the counts of WAITAOF")
	}
	return Persisted{counts[0] > 0, counts[1]}, nil
}
