package redistest_test

import (
	"context"
	"fmt"
	"log"
	"testing"

	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/redistest"
)

// example stands for the test that an example runs in.
type example struct{ testing.TB }

func (example) Helper()                           {}
func (example) Cleanup(func())                    {}
func (example) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }

var (
	t   testing.TB = example{}
	ctx            = context.Background()
)

// The test plays the server, line by line.
func ExampleServer() {
	server := redistest.NewServer(t)
	client, err := redis.New(redis.Options{Dial: server.Dial})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	got := command.Get("k").Go(ctx, client)
	conn := server.AcceptReady()
	conn.Expect("GET", "k")
	conn.Bulk("v")
	result := <-got
	fmt.Println(result.Value, result.Err)
	// Output: v <nil>
}

// A subscriber has a connection of its own.
func ExampleConn_ExpectSubscribe() {
	server := redistest.NewServer(t)
	client, err := redis.New(redis.Options{Dial: server.Dial})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	received := make(chan string)
	go func() {
		sub, err := client.Subscribe(ctx, "news")
		if err != nil {
			log.Fatal(err)
		}
		received <- (<-sub.Messages()).Payload
	}()
	conn := server.AcceptReady()
	conn.ExpectSubscribe("SUBSCRIBE", "news")
	conn.Message("news", "hello")
	fmt.Println(<-received)
	// Output: hello
}

// Serve answers by a function what a script would be too long for.
func ExampleConn_Serve() {
	server := redistest.NewServer(t)
	client, err := redis.New(redis.Options{Dial: server.Dial})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	first := command.Incr("n").Go(ctx, client)
	conn := server.AcceptReady()
	n := 0
	go conn.Serve(func(words []string) (raw string, ok bool) {
		n++
		return fmt.Sprintf(":%d\r\n", n), true
	})
	fmt.Println((<-first).Value)
	fmt.Println(client.Incr(ctx, "n"))
	// Output:
	// 1
	// 2 <nil>
}
