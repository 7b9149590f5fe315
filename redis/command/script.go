package command

import "github.com/redchan-go/redchan/proto"

// Eval runs a Lua script on the server with KEYS and ARGV. Its reply has the
// shape that the script gives it: read it with [AsInt], [AsStrings], [As] and
// their kind. It is never repeated by itself. Since 2.6.0.
func Eval(script string, keys []string, args ...any) Cmd[proto.Value] {
	r := newRequest(&specEval)
	r.word(script)
	r.int(int64(len(keys)))
	r.grow(len(keys) + len(args))
	for _, key := range keys {
		r.key(key)
	}
	for i := range args {
		r.value(args[i])
	}
	return Cmd[proto.Value]{r, decodeValue}
}
