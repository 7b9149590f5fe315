package command

import (
	"context"
	"crypto/fips140"
	"crypto/sha1" //nolint:gosec // it is how servers name scripts
	"encoding/hex"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/redchan-go/redchan/proto"
)

// Eval runs a Lua script on the server with KEYS and ARGV. Its reply has the
// shape that the script gives it: read it with [AsInt], [AsStrings], [As] and
// their kind. It is never repeated by itself. O(1), and what the script costs.
// Since 2.6.0.
func Eval(script string, keys []string, args ...any) Cmd[proto.Value] {
	return Cmd[proto.Value]{callRequest(&specEval, script, keys, args), decodeValue}
}

// callRequest is a call of a script or function with KEYS and ARGV.
func callRequest(spec *Spec, script string, keys []string, args []any) Request {
	r := newRequest(spec)
	r.word(script)
	r.int(int64(len(keys)))
	r.grow(len(keys) + len(args))
	for _, key := range keys {
		r.key(key)
	}
	for i := range args {
		r.value(args[i])
	}
	return r
}

// Script is a Lua script together with the hash by which servers know it. Make it
// once, by [NewScript], and run it with any client:
//
//	var take = command.NewScript("return redis.call('DECRBY', KEYS[1], ARGV[1])")
//
//	left, err := command.AsInt(take.Call([]string{"stock"}, 3)).Do(ctx, client)
//
// [NewScriptOf] makes one whose result has a type. It is a value, safe for concurrent use.
type Script struct {
	text       *scriptText // nil for the zero Script
	readOnly   bool
	idempotent bool
}

// scriptText is the text of a script, and its hash once that is known.
type scriptText struct {
	source string
	hash   atomic.Pointer[string]
}

// knownHash returns the hash, or nothing while it is not known.
func (t *scriptText) knownHash() string {
	if hash := t.hash.Load(); hash != nil {
		return *hash
	}
	return ""
}

// load asks the server for the hash of a script that has none yet.
func (t *scriptText) load(ctx context.Context, d Doer) error {
	hash, err := ScriptLoad(t.source).Do(ctx, d)
	if err == nil {
		t.hash.Store(&hash)
	}
	return err
}

// NewScript returns a script. Nothing is sent. The program computes its hash, or the
// server does at the first call where Go's FIPS 140-only mode forbids SHA-1.
func NewScript(source string) Script {
	t := &scriptText{source: source}
	if !fips140.Enforced() {
		sum := sha1.Sum([]byte(source)) //nolint:gosec // as above
		hash := hex.EncodeToString(sum[:])
		t.hash.Store(&hash)
	}
	return Script{text: t}
}

// ReadOnly returns the script as one that never writes: it runs by EVALSHA_RO, so that
// it may run on replicas and again after its reply was lost. Since 7.0.0.
func (s Script) ReadOnly() Script {
	s.readOnly = true
	return s
}

// Idempotent returns the script as one that may be repeated after its reply was lost, see
// [Cmd.Idempotent].
func (s Script) Idempotent() Script {
	s.idempotent = true
	return s
}

// Source returns the script's text.
func (s Script) Source() string {
	if s.text == nil {
		return ""
	}
	return s.text.source
}

// Hash returns the SHA-1 of the text in hexadecimal, by which EVALSHA calls it; nothing
// while only a server could compute it, see [NewScript].
func (s Script) Hash() string {
	if s.text == nil {
		return ""
	}
	return s.text.knownHash()
}

// Call calls the script with KEYS and ARGV: by EVALSHA, and where the server does not
// know the script (any more) by EVAL, which makes it known. In a batch, plain or MULTI,
// the first call of a script sends its text and the others its hash.
//
// Its reply has the shape that the script gives it: read it with [AsInt], [AsStrings],
// [As] and their kind. Since 2.6.0.
func (s Script) Call(keys []string, args ...any) Cmd[proto.Value] {
	spec := &specEvalsha
	if s.readOnly {
		spec = &specEvalshaRo
	}
	r := callRequest(spec, s.Hash(), keys, args)
	r.idempotent = s.idempotent
	if s.Source() == "" {
		r.fail(badArgument("a script without text: make it by NewScript"))
		return Cmd[proto.Value]{r, decodeValue}
	}
	r.others().script = s.text
	if s.Hash() == "" {
		r = r.evaluated()
	}
	return Cmd[proto.Value]{r, decodeValue}
}

// A script that is sent with its text is still the EVALSHA that its caller made.
var (
	specEvalOfScript   = named(specEval, specEvalsha.Name)
	specEvalRoOfScript = named(specEvalRo, specEvalshaRo.Name)
)

// named returns a spec under another name.
func named(s Spec, name string) Spec {
	s.Name = name
	return s
}

// evaluated returns the request of a script with its text in place of its hash.
func (r *Request) evaluated() Request {
	full := *r
	switch r.spec {
	case &specEvalsha:
		full.spec = &specEvalOfScript
	case &specEvalshaRo:
		full.spec = &specEvalRoOfScript
	}
	full.inline[0] = word(r.rest.script.source)
	return full
}

// callByHash returns a request of a script, which may have its text, with the hash, where
// that is known.
func callByHash(r Request, text *scriptText) Request {
	r.others().script = text
	hash := text.knownHash()
	if hash == "" {
		return r
	}
	switch r.spec {
	case &specEvalOfScript:
		r.spec = &specEvalsha
	case &specEvalRoOfScript:
		r.spec = &specEvalshaRo
	}
	r.inline[0] = word(hash)
	return r
}

// isUnhashed reports whether the request runs a script whose hash is not known.
func (r *Request) isUnhashed() bool {
	return r.rest != nil && r.rest.script != nil && r.rest.script.knownHash() == ""
}

// hashed returns the request of a script by the hash that the server computes; with the
// text where the server does not.
func (r *Request) hashed(ctx context.Context, d Doer) Request {
	if err := r.rest.script.load(ctx, d); err != nil {
		return *r // such as a user who may not load scripts
	}
	return callByHash(*r, r.rest.script)
}

// Library is a library of functions that a server is to have: code that begins with
// "#!lua name=mylib" and registers functions. Since 7.0.0.
//
//	var stock = command.NewLibrary(`#!lua name=stock
//	redis.register_function('take', function(keys, args)
//		return redis.call('DECRBY', keys[1], args[1])
//	end)`)
//
//	left, err := command.AsInt(stock.Call("take", []string{"apples"}, 3)).Do(ctx, client)
//
// It is a value, safe for concurrent use.
type Library struct{ code string }

// NewLibrary returns a library. Nothing is sent.
func NewLibrary(code string) Library { return Library{code} }

// Code returns the library's text.
func (l Library) Code() string { return l.code }

// Name returns the library's name, as the first line of its code says it; empty where
// it says none.
func (l Library) Name() string {
	head, _, _ := strings.Cut(l.code, "\n")
	for _, word := range strings.Fields(head) {
		if name, ok := strings.CutPrefix(word, "name="); ok && strings.HasPrefix(head, "#!") {
			return name
		}
	}
	return ""
}

// Load gives the library to the server, in place of what it had under the name, and
// returns the name: FUNCTION LOAD REPLACE. Since 7.0.0.
func (l Library) Load() Cmd[string] { return Cmd[string]{l.load(), decodeText} }

func (l Library) load() Request {
	r := newRequest(&specFunctionLoad)
	r.word("REPLACE")
	r.word(l.code)
	if l.Name() == "" {
		r.fail(badArgument("the first line of a library is its engine and name: #!lua name=mylib"))
	}
	return r
}

// Call calls a function of the library with keys and arguments: by FCALL. Where the
// server does not have the function, the library is loaded and the function called
// again; not in a batch, which begins with [Library.Load] where that is needed.
//
// Its reply has the shape that the function gives it, see [Script.Call]. Since 7.0.0.
func (l Library) Call(function string, keys []string, args ...any) Cmd[proto.Value] {
	return l.call(&specFcall, function, keys, args)
}

// CallReadOnly is [Library.Call] for a function that is registered with the flag
// no-writes: it may run on replicas, and again after its reply was lost. Since 7.0.0.
func (l Library) CallReadOnly(function string, keys []string, args ...any) Cmd[proto.Value] {
	return l.call(&specFcallRo, function, keys, args)
}

func (l Library) call(spec *Spec, function string, keys []string, args []any) Cmd[proto.Value] {
	r := callRequest(spec, function, keys, args)
	load := l.load()
	r.fail(load.Err())
	r.others().library = l.code
	return Cmd[proto.Value]{r, decodeValue}
}

// isNoScript reports whether a server does not know a script, in the words that Redis,
// Valkey and others have for it.
func isNoScript(reply *proto.Error) bool {
	return reply.Code == "NOSCRIPT" && (reply.Message == "No matching script. Please use EVAL." || reply.Message == "No matching script.")
}

// repair sends a request again that failed because the server does not have its script
// or function. It returns err where that is not what was wrong.
func (r *Request) repair(ctx context.Context, d Doer, err error) (proto.Value, error) {
	var reply *proto.Error
	if r.rest == nil || !errors.As(err, &reply) {
		return proto.Value{}, err
	}
	// The servers' own words: what has run may fail with an error much like theirs.
	switch {
	case r.rest.script != nil && (r.spec == &specEvalsha || r.spec == &specEvalshaRo) && isNoScript(reply):
		return d.Do(ctx, r.evaluated())
	case r.rest.library != "" && reply.Code == "ERR" && reply.Message == "Function not found":
		if _, err := NewLibrary(r.rest.library).Load().Do(ctx, d); err != nil {
			return proto.Value{}, err
		}
		return d.Do(ctx, *r)
	}
	return proto.Value{}, err
}
