package command_test

import (
	"context"
	"fmt"
	"time"

	"github.com/redchan-go/redchan/redis/command"
)

// A command is a value, made without a client.
func Example() {
	cmd := command.SetIf("greeting", "hello", command.NX, command.EX(time.Minute))
	client := &double{reply: "+OK\r\n"} // any Doer: a redis.Client in a program

	ok, err := cmd.Do(context.Background(), client)
	fmt.Println(ok, err)

	result := <-cmd.Go(context.Background(), client)
	fmt.Println(result.Value, result.Err)
	// Output:
	// true <nil>
	// true <nil>
}

func ExampleAsJSON() {
	type user struct{ Name string }
	client := &double{reply: "$14\r\n{\"Name\":\"Ada\"}\r\n"}

	u, err := command.AsJSON[user](command.Get("user:1")).Do(context.Background(), client)
	fmt.Println(u.Name, err)
	// Output: Ada <nil>
}

func ExampleBatch() {
	client := &double{reply: ":3\r\n_\r\n"}

	var b command.Batch
	visits := b.Incr("visits")
	name := b.Get("name")
	if err := b.Exec(context.Background(), client); err != nil {
		fmt.Println(err)
	}
	fmt.Println(visits.Value())
	fmt.Println(name.Err() == command.Nil)
	// Output:
	// 3
	// true
}
