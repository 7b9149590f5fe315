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
// A [Reader] finds where a reply ends and checks every byte on the way, and only
// then copies the reply, once, into a [Value]. An aggregate is taken apart when
// its elements are asked for, so a reply of a thousand strings is one allocation.
//
// Where the two protocols spell the same thing in two ways, the Values are alike.
// Pushes never appear inside a reply: see [Reader.Next]. Attributes stay with the
// value that they precede: see [Value.Attrs].
//
// What the Reader refuses, beyond what the specification of RESP3 rules out:
// leading zeros and minus zero in lengths and integers, which no server sends
// (big numbers and doubles may have them); "+" in front of lengths; doubles
// without digits in front of the point; CR or LF inside a line; streamed pushes
// and attributes; a push without elements; attributes in front of attributes or
// of nothing; and whatever is over the [Limits].
//
// # Writing
//
// The Append functions write a command's words as bulk strings, which carry their
// length: nothing in a word can be taken for protocol. [AppendCommand] writes a
// command of strings; [AppendArray] and then one call for each word write the
// rest without converting numbers to strings first.
package proto
