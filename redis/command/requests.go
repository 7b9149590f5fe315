package command

import (
	"iter"
	"slices"
	"strconv"
	"time"
)

// Requests are several requests in their order, already encoded: what a
// [BatchDoer] is given. The zero Requests has none. It is not safe for
// concurrent use, and never changes what a request was when it was added: byte
// slices are copied.
type Requests struct {
	wire []byte
	list []encoded
	keys []int // where in wire the keys begin, of requests with several
	// blocking has the requests that may block, with their numbers.
	blocking []blocking
	bad      *BatchError // the first request that can't be sent
	scripts  []queuedScript
	// declared has the numbers of the requests that are [Request.Repeatable] although the table
	// of commands does not say so; repeatable says that all are, whatever they do.
	declared   []int
	repeatable bool
	// transaction says that they are one, from MULTI to EXEC.
	transaction bool
}

// queuedScript is a request that runs a script.
type queuedScript struct {
	index int
	text  *scriptText
}

// encoded is one request of several.
type encoded struct {
	spec    *Spec  // nil for a command that is not in the table
	end     int    // of its bytes in wire
	key     uint32 // where its first key begins, behind its first byte; 0: it has none
	keysEnd uint32 // in keys, of its other keys
}

// The room for requests that there is at once.
const (
	firstRequests = 16
	firstBytes    = 1 << 10
)

// blocking is a request that may block the connection.
type blocking struct {
	index    int
	blockFor time.Duration
}

// Add appends a request. One of a session, other than [AskingRequest], is refused: a
// batch may go over a connection that is shared.
func (rs *Requests) Add(r *Request) {
	err := r.Err()
	if err == nil && r.ofSession && r.spec != &specAsking {
		err = badArgument("it changes what its connection is, and stands in no batch")
	}
	if err != nil && rs.bad == nil {
		err = &Error{Command: r.Name(), Outcome: NotSent, Err: err}
		rs.bad = &BatchError{Index: len(rs.list), Command: r.Name(), Err: err}
	}
	if r.blocks {
		rs.blocking = append(rs.blocking, blocking{len(rs.list), r.BlockFor()})
	}
	if r.idempotent || r.readOnly {
		rs.declared = append(rs.declared, len(rs.list))
	}
	if r.rest != nil && r.rest.script != nil {
		text := r.rest.script
		if text.knownHash() == "" || !slices.ContainsFunc(rs.scripts, func(s queuedScript) bool { return s.text.source == text.source }) {
			full := r.evaluated()
			r = &full
		}
		rs.scripts = append(rs.scripts, queuedScript{len(rs.list), text})
	}
	if rs.list == nil {
		rs.list = make([]encoded, 0, firstRequests)
		rs.wire = make([]byte, 0, firstBytes)
	}
	e := encoded{spec: r.spec}
	b := r.appendName(rs.wire)
	for i := range r.Len() {
		a := r.at(i)
		switch {
		case !a.key:
		case e.key == 0:
			e.key = uint32(len(b) - len(rs.wire))
		default:
			rs.keys = append(rs.keys, len(b))
		}
		b = r.appendArgument(b, a)
	}
	rs.wire = b
	e.end, e.keysEnd = len(b), uint32(len(rs.keys))
	rs.list = append(rs.list, e)
}

// Len returns the number of requests.
func (rs *Requests) Len() int { return len(rs.list) }

// Err returns why the requests can't be sent, the first one's reason, as a
// [*BatchError]. A [BatchDoer] returns it instead of sending.
func (rs *Requests) Err() error {
	if rs.bad == nil {
		return nil
	}
	bad := *rs.bad
	bad.Len = len(rs.list)
	return &bad
}

// Append appends all requests, as they go over the wire, to b.
func (rs *Requests) Append(b []byte) []byte { return append(b, rs.wire...) }

// Size returns how many bytes they take on the wire.
func (rs *Requests) Size() int { return len(rs.wire) }

// SizeOf returns how many bytes request i takes on the wire.
func (rs *Requests) SizeOf(i int) int {
	if i == 0 {
		return rs.list[0].end
	}
	return rs.list[i].end - rs.list[i-1].end
}

// Blocks reports whether one of the requests may block its connection.
func (rs *Requests) Blocks() bool { return len(rs.blocking) > 0 }

// BlockFor returns how long the server may block all of them together; 0 is
// without end, or not known.
func (rs *Requests) BlockFor() time.Duration {
	total := time.Duration(0)
	for _, b := range rs.blocking {
		if b.blockFor == 0 {
			return 0
		}
		if total += b.blockFor; total < 0 { // longer than can be told
			return 0
		}
	}
	return total
}

// Part returns the requests from number from up to, and without, number to. Scripts have
// their text again in the first of their requests.
func (rs *Requests) Part(from, to int) *Requests {
	if slices.ContainsFunc(rs.scripts, func(s queuedScript) bool { return s.index >= from && s.index < to }) {
		part := &Requests{repeatable: rs.repeatable}
		for i := from; i < to; i++ {
			r := rs.At(i)
			part.Add(&r)
		}
		return part
	}
	part := &Requests{list: append([]encoded(nil), rs.list[from:to]...), repeatable: rs.repeatable}
	for _, i := range rs.declared {
		if i >= from && i < to {
			part.declared = append(part.declared, i-from)
		}
	}
	start, keys := 0, uint32(0)
	if from > 0 {
		start, keys = rs.list[from-1].end, rs.list[from-1].keysEnd
	}
	end, keysEnd := start, keys
	if to > from {
		end, keysEnd = rs.list[to-1].end, rs.list[to-1].keysEnd
	}
	part.wire = rs.wire[start:end:end]
	for _, key := range rs.keys[keys:keysEnd] {
		part.keys = append(part.keys, key-start)
	}
	for i := range part.list {
		part.list[i].end -= start
		part.list[i].keysEnd -= keys
	}
	for _, b := range rs.blocking {
		if b.index >= from && b.index < to {
			part.blocking = append(part.blocking, blocking{b.index - from, b.blockFor})
		}
	}
	if bad := rs.bad; bad != nil && bad.Index >= from && bad.Index < to {
		part.bad = &BatchError{Index: bad.Index - from, Command: bad.Command, Err: bad.Err}
	}
	return part
}

// Join appends request i of others, as it is there. A script has its text in the first of
// its requests here.
func (rs *Requests) Join(others *Requests, i int) {
	isOf := func(s queuedScript) bool { return s.index == i }
	if slices.ContainsFunc(others.scripts, isOf) || others.bad != nil && others.bad.Index == i {
		r := others.At(i)
		rs.Add(&r)
		return
	}
	if rs.list == nil {
		rs.list = make([]encoded, 0, firstRequests)
		rs.wire = make([]byte, 0, firstBytes)
	}
	if others.declares(i) {
		rs.declared = append(rs.declared, len(rs.list))
	}
	start, keys := 0, uint32(0)
	if i > 0 {
		start, keys = others.list[i-1].end, others.list[i-1].keysEnd
	}
	e := others.list[i]
	for _, key := range others.keys[keys:e.keysEnd] {
		rs.keys = append(rs.keys, len(rs.wire)+key-start)
	}
	for _, b := range others.blocking {
		if b.index == i {
			rs.blocking = append(rs.blocking, blocking{len(rs.list), b.blockFor})
		}
	}
	rs.wire = append(rs.wire, others.wire[start:e.end]...)
	e.end, e.keysEnd = len(rs.wire), uint32(len(rs.keys))
	rs.list = append(rs.list, e)
}

// IsTransaction reports whether the requests come from [Requests.Transaction]: they must
// go to one server in one run.
func (rs *Requests) IsTransaction() bool { return rs.transaction }

// Transaction returns the requests between MULTI and EXEC, behind those given, such as
// [AskingRequest]. The server answers each of them with QUEUED, or an error, and the last
// one with all results, an error, or null where a watched key was changed: see
// [TransactionReplies].
func (rs *Requests) Transaction(before ...Request) *Requests {
	tx := &Requests{transaction: true, repeatable: rs.repeatable}
	for i := range before {
		tx.Add(&before[i])
	}
	multi, exec := newRequest(&specMulti), newRequest(&specExec)
	tx.Add(&multi)
	for _, i := range rs.declared {
		tx.declared = append(tx.declared, len(tx.list)+i)
	}
	start := len(tx.wire)
	tx.wire = append(tx.wire, rs.wire...)
	for _, e := range rs.list {
		// Of keys nobody asks here.
		tx.list = append(tx.list, encoded{spec: e.spec, end: start + e.end})
	}
	tx.Add(&exec)
	return tx
}

// At returns request i, put together again from its bytes: for errors, and for
// whoever sends it apart from the others. Where several can't be sent, only the first
// of them has its Err: look at Requests.Err before.
func (rs *Requests) At(i int) Request {
	e := rs.list[i]
	start, keysStart := 0, uint32(0)
	if i > 0 {
		start, keysStart = rs.list[i-1].end, rs.list[i-1].keysEnd
	}
	r := Request{spec: e.spec}
	keys := rs.keys[keysStart:e.keysEnd]
	words, at := lengthAt(rs.wire, start)
	for word := range words {
		size, from := lengthAt(rs.wire, at)
		text := string(rs.wire[from : from+size])
		switch {
		case e.spec == nil && word == 0:
			r.others().raw = text
		case e.spec == nil || word >= e.spec.NumWords:
			isKey := e.key > 0 && start+int(e.key) == at
			if len(keys) > 0 && keys[0] == at {
				isKey, keys = true, keys[1:]
			}
			r.add(argument{key: isKey, text: text})
		}
		at = from + size + len("\r\n")
	}
	r.idempotent = rs.declares(i)
	for _, b := range rs.blocking {
		if b.index == i {
			r.mayBlock(b.blockFor)
		}
	}
	for _, s := range rs.scripts {
		// One that was queued with its text calls it by its hash again: who adds it
		// to other requests decides anew.
		if s.index == i {
			r = callByHash(r, s.text)
		}
	}
	if rs.bad != nil && rs.bad.Index == i {
		r.fail(rs.bad.Err.(*Error).Err) //nolint:errorlint // Add made it
	}
	return r
}

// ReadOnly reports whether request i never writes, by the table of commands.
func (rs *Requests) ReadOnly(i int) bool {
	spec := rs.list[i].spec
	return spec != nil && spec.ReadOnly()
}

// Spec returns what servers say about the command of request i, or nil for one that is
// not in the table.
func (rs *Requests) Spec(i int) *Spec { return rs.list[i].spec }

// Route returns what tells a cluster where request i belongs, see [Request.Route].
func (rs *Requests) Route(i int) (string, bool) {
	for word := range rs.Routes(i) {
		return word, true
	}
	return "", false
}

// Routes returns an iterator over all words of request i that tell where it belongs: they
// must be of one slot.
func (rs *Requests) Routes(i int) iter.Seq[string] {
	return func(yield func(string) bool) {
		e := rs.list[i]
		start, keys := 0, uint32(0)
		if i > 0 {
			start, keys = rs.list[i-1].end, rs.list[i-1].keysEnd
		}
		switch {
		case e.key > 0:
			if !yield(rs.wordAt(start + int(e.key))) {
				return
			}
		case routesByFirst(e.spec):
			r := rs.At(i)
			if word, ok := r.Route(); ok {
				yield(word)
			}
		}
		for _, key := range rs.keys[keys:e.keysEnd] {
			if !yield(rs.wordAt(key)) {
				return
			}
		}
	}
}

// wordAt returns the bulk string that begins at i.
func (rs *Requests) wordAt(i int) string {
	size, from := lengthAt(rs.wire, i)
	return string(rs.wire[from : from+size])
}

// IsScript reports whether request i runs a script whose text is known: where the server
// does not know it, the request can be joined to others with its text, see
// [Requests.Join].
func (rs *Requests) IsScript(i int) bool {
	return slices.ContainsFunc(rs.scripts, func(s queuedScript) bool { return s.index == i })
}

// HasText reports whether request i runs a script and carries its text: a server that says it does
// not know the script has run it then, and these are the script's own words.
func (rs *Requests) HasText(i int) bool {
	spec := rs.list[i].spec
	return spec == &specEvalOfScript || spec == &specEvalRoOfScript
}

// Name returns the name of request i, such as "CLIENT KILL".
func (rs *Requests) Name(i int) string {
	if spec := rs.list[i].spec; spec != nil {
		return spec.Name
	}
	r := rs.At(i)
	return r.Name()
}

// lengthAt reads the line "*3" or "$5" at b[i:] and returns its number and where
// the next line begins. The line is one of our own.
func lengthAt(b []byte, i int) (n, next int) {
	end := i + 1
	for b[end] != '\r' {
		end++
	}
	n, _ = strconv.Atoi(string(b[i+1 : end]))
	return n, end + len("\r\n")
}

// reset removes all requests. What it keeps of memory for the next ones is
// bounded.
func (rs *Requests) reset() {
	const keep = 64 << 10
	if cap(rs.wire) > keep || cap(rs.list) > keep {
		*rs = Requests{}
		return
	}
	clear(rs.scripts)
	*rs = Requests{
		wire: rs.wire[:0], list: rs.list[:0], keys: rs.keys[:0],
		blocking: rs.blocking[:0], scripts: rs.scripts[:0], declared: rs.declared[:0],
	}
}
