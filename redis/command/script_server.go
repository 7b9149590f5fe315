package command

import "github.com/redchan-go/redchan/proto"

// EvalRO is [Eval] for a script that only reads, which it may then run on replicas, and
// again after its reply was lost. O(1), and what the script costs. Since 7.0.0.
func EvalRO(script string, keys []string, args ...any) Cmd[proto.Value] {
	return Cmd[proto.Value]{callRequest(&specEvalRo, script, keys, args), decodeValue}
}

// EvalSHA is [Eval] of a script that the server knows already, by its hash. The error
// NOSCRIPT says that it does not: [Script] sends the text then. O(1), and what the script
// costs. Since 2.6.0.
func EvalSHA(hash string, keys []string, args ...any) Cmd[proto.Value] {
	return Cmd[proto.Value]{callRequest(&specEvalsha, hash, keys, args), decodeValue}
}

// EvalSHARO is [EvalSHA] for a script that only reads, see [EvalRO]. O(1), and what the
// script costs. Since 7.0.0.
func EvalSHARO(hash string, keys []string, args ...any) Cmd[proto.Value] {
	return Cmd[proto.Value]{callRequest(&specEvalshaRo, hash, keys, args), decodeValue}
}

// ScriptExists returns of which of the hashes the server knows the script, in their
// order. O(N). Since 2.6.0.
func ScriptExists(hashes ...string) Cmd[[]bool] {
	r := newRequest(&specScriptExists)
	r.words("hashes", hashes)
	return Cmd[[]bool]{r, decodeBools}
}

// ScriptFlush lets the server forget all scripts. O(N) for N scripts. Since 2.6.0;
// options since 6.2.0.
func ScriptFlush(opts ...FlushOption) Cmd[struct{}] {
	r := newRequest(&specScriptFlush)
	addOptions(&r, opts, FlushOption.flushOption)
	return Cmd[struct{}]{r, decodeOK}
}

// ScriptKill ends the script that is running, unless it has written. The error NOTBUSY
// says that none is running, UNKILLABLE that it has written. O(1). Since 2.6.0.
func ScriptKill() Cmd[struct{}] {
	return Cmd[struct{}]{newRequest(&specScriptKill), decodeOK}
}

// ScriptLoad makes a script known to the server without running it, and returns its hash.
// O(N) for N bytes of text. Since 2.6.0.
func ScriptLoad(script string) Cmd[string] {
	r := newRequest(&specScriptLoad)
	r.word(script)
	return Cmd[string]{r, decodeText}
}

// ScriptShow returns the text of a script that the server knows, by its hash. The error
// NOSCRIPT says that it does not. O(1). Since Valkey 8.0.0.
func ScriptShow(hash string) Cmd[string] {
	r := newRequest(&specScriptShow)
	r.word(hash)
	return Cmd[string]{r, decodeText}
}
