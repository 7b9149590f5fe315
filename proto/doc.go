// Package proto reads and writes RESP2 and RESP3, the protocols of Redis and
// Valkey, on the wire. This program asks a server for two keys in one round trip:
//
//	conn, err := net.Dial("tcp", "localhost:6379")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer conn.Close()
//
//	request := proto.AppendCommand(nil, "SET", "greeting", "hello")
//	request = proto.AppendCommand(request, "GET", "greeting")
//	if _, err := conn.Write(request); err != nil {
//		log.Fatal(err)
//	}
//
//	replies := proto.NewReader(conn, proto.Limits{})
//	for range 2 {
//		v, err := replies.Next()
//		if err != nil {
//			log.Fatal(err)
//		}
//		fmt.Println(v.Kind(), v.Str()) // simple string OK, then bulk string hello
//	}
//
// # Reading
//
// A [Reader] finds the end of a reply and checks every byte before that, and only then copies
// the reply, once, into a [Value]. The elements of an aggregate are parsed when they are asked
// for, so a reply of a thousand strings is one allocation.
//
// If RESP2 and RESP3 spell the same thing in two ways, the Values are the same. Pushes never
// appear inside a reply, see [Reader.Next]. Attributes stay with the value that follows them,
// see [Value.Attrs].
//
// The Reader rejects some input beyond what the specification of RESP3 excludes: leading zeros
// and minus zero in lengths and integers, which no server sends (big numbers and doubles may
// have them); "+" before lengths; doubles without digits before the point; CR or LF inside a
// line; streamed pushes and attributes; a push without elements; attributes that precede
// attributes or nothing; and anything that exceeds the [Limits].
//
// # Writing
//
// The Append functions write the words of a command as bulk strings. These carry their length,
// so nothing in a word can be taken for protocol. [AppendCommand] writes a command that consists
// of strings. For other commands, call [AppendArray] and then one function for each word, which
// saves converting numbers to strings first.
package proto
