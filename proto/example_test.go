package proto_test

import (
	"bufio"
	"fmt"
	"log"
	"net"

	"github.com/redchan-go/redchan/proto"
)

// serve answers the two commands of Example as a server does.
func serve(conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	for range 12 { // lines of the two commands
		lines.Scan()
	}
	fmt.Fprint(conn, "+OK\r\n$5\r\nhello\r\n")
}

func Example() {
	conn, server := net.Pipe() // in place of net.Dial("tcp", "localhost:6379")
	defer conn.Close()
	go serve(server)

	request := proto.AppendCommand(nil, "SET", "greeting", "hello")
	request = proto.AppendCommand(request, "GET", "greeting")
	if _, err := conn.Write(request); err != nil {
		log.Fatal(err)
	}

	replies := proto.NewReader(conn, proto.Limits{})
	for range 2 {
		v, err := replies.Next()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(v.Kind(), v.Str())
	}
	// Output:
	// simple string OK
	// bulk string hello
}

func ExampleParseRedirect() {
	r, err := proto.ParseRedirect(&proto.Error{Code: "MOVED", Message: "3999 :6381"})
	fmt.Println(r.Slot, r.Addr("10.0.0.7:6379"), err)
	// Output: 3999 10.0.0.7:6381 <nil>
}
