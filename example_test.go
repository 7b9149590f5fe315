package redchan_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/redchan-go/redchan"
	"github.com/redchan-go/redchan/internal/exampleserver"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

var ctx = context.Background()

// open opens a client of a server that ends with it.
func open() (client *redchan.Client, end func()) {
	server := exampleserver.Start()
	client, err := redchan.Open(ctx, server.URL())
	if err != nil {
		log.Fatal(err)
	}
	return client, func() {
		_ = client.Close()
		server.Close()
	}
}

func ExampleOpen() {
	server := exampleserver.Start()
	defer server.Close()

	client, err := redchan.Open(ctx, "redis://"+server.Addr()) // or redis+cluster://host1,host2
	if err != nil {
		log.Fatal(err) // says what is wrong: the name, the port, the password, TLS
	}
	defer client.Close()

	if err := client.Set(ctx, "greeting", "hello"); err != nil {
		log.Fatal(err)
	}
	greeting, err := client.Get(ctx, "greeting")
	fmt.Println(greeting, err)
	// Output: hello <nil>
}

func ExampleNew() {
	server := exampleserver.Start()
	defer server.Close()

	client, err := redchan.New(redchan.Options{Server: redis.Options{
		Addr:     server.Addr(),
		Username: "orders",
		Password: redis.NewSecret("s3cret"), // no log and no error shows it
	}})
	if err != nil {
		log.Fatal(err) // an option that is wrong: New does not connect
	}
	defer client.Close()

	n, err := client.Incr(ctx, "visits")
	fmt.Println(n, err)
	// Output: 1 <nil>
}

// A key that does not exist is redis.Nil.
func ExampleClient_Get() {
	client, end := open()
	defer end()

	_, err := client.Get(ctx, "missing")
	fmt.Println(errors.Is(err, redis.Nil))
	// Output: true
}

func ExampleClient_Set() {
	client, end := open()
	defer end()

	if err := client.Set(ctx, "session:1", "ada", command.EX(time.Minute)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.Get(ctx, "session:1"))
	// Output: ada <nil>
}

func ExampleClient_SetIf() {
	client, end := open()
	defer end()

	for _, who := range []string{"ada", "bob"} {
		first, err := client.SetIf(ctx, "leader", who, command.NX, command.EX(time.Minute))
		fmt.Println(who, first, err)
	}
	// Output:
	// ada true <nil>
	// bob false <nil>
}

// What is missing among several keys is no error.
func ExampleClient_MGet() {
	client, end := open()
	defer end()

	if err := client.MSet(ctx, command.Map{"a": 1, "c": 3}); err != nil {
		log.Fatal(err)
	}
	values, err := client.MGet(ctx, "a", "b", "c")
	fmt.Println(values, err)
	fmt.Println(values[1].Present, values[1].Or("0"))
	// Output:
	// [1 <nil> 3] <nil>
	// false 0
}

// A struct goes into a hash and comes back.
func ExampleClient_HSet() {
	client, end := open()
	defer end()

	type user struct {
		Name  string        `redis:"name"`
		Quota time.Duration `redis:"quota"`
	}
	if _, err := client.HSet(ctx, "user:1", command.Struct(user{"Ada", time.Hour})); err != nil {
		log.Fatal(err)
	}
	ada, err := command.AsStruct[user](command.HGetAll("user:1")).Do(ctx, client)
	fmt.Println(ada.Name, ada.Quota, err)
	// Output: Ada 1h0m0s <nil>
}

func ExampleClient_ZRangeWithScores() {
	client, end := open()
	defer end()

	if _, err := client.ZAdd(ctx, "scores", command.Scores{"ada": 3, "bob": 1.5}); err != nil {
		log.Fatal(err)
	}
	members, err := client.ZRangeWithScores(ctx, "scores", command.ByRank(0, -1))
	for _, m := range members {
		fmt.Println(m.Member, m.Score)
	}
	fmt.Println(err)
	// Output:
	// bob 1.5
	// ada 3
	// <nil>
}

func ExampleClient_ScanAll() {
	client, end := open()
	defer end()

	if err := client.MSet(ctx, command.Map{"user:1": "ada", "user:2": "bob", "page:1": "home"}); err != nil {
		log.Fatal(err)
	}
	for key, err := range client.ScanAll(ctx, command.Match("user:*")) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(key)
	}
	// Output:
	// user:1
	// user:2
}

// Several commands go out in one write; each result is there after Exec.
func ExampleClient_Pipeline() {
	client, end := open()
	defer end()

	p := client.Pipeline()
	visits := p.Incr("visits")
	name := p.Get("name")
	if err := p.Exec(ctx); err != nil {
		log.Fatal(err)
	}
	n, err := visits.Result()
	fmt.Println(n, err)
	_, err = name.Result()
	fmt.Println(errors.Is(err, redis.Nil))
	// Output:
	// 1 <nil>
	// true
}

// All commands of a transaction run, or none, and nothing runs between them.
func ExampleClient_Multi() {
	client, end := open()
	defer end()

	var b command.Batch
	from := b.IncrBy("account:1", -100)
	to := b.IncrBy("account:2", 100)
	if err := client.Multi(ctx, &b); err != nil {
		log.Fatal(err)
	}
	fmt.Println(from, to)
	// Output: -100 100
}

// The new value depends on the old one, whoever else changes it meanwhile.
func ExampleTransaction() {
	client, end := open()
	defer end()

	if err := client.Set(ctx, "price", 100); err != nil {
		log.Fatal(err)
	}
	raised, err := redchan.Transaction(ctx, client, func(s *redis.Session, b *command.Batch) (int64, error) {
		price, err := command.AsInt(command.Get("price")).Do(ctx, s)
		price += price / 10
		b.Set("price", price)
		return price, err
	}, "price")
	fmt.Println(raised, err)
	// Output: 110 <nil>
}

// Subscribe returns when the server has acknowledged every channel, so nothing that is
// published afterwards is missed.
func ExampleClient_Subscribe() {
	client, end := open()
	defer end()

	sub, err := client.Subscribe(ctx, "news")
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	if _, err := client.Publish(ctx, "news", "hello"); err != nil {
		log.Fatal(err)
	}
	select {
	case msg, ok := <-sub.Messages():
		if !ok {
			log.Fatal(sub.Err()) // why it ended
		}
		if msg.Gap != nil {
			fmt.Println("messages may be missing:", msg.Gap)
		}
		fmt.Println(msg.Channel, msg.Payload)
	case <-ctx.Done():
	}
	// Output: news hello
}

func ExampleClient_PSubscribe() {
	client, end := open()
	defer end()

	sub, err := client.PSubscribe(ctx, "news.*")
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	if _, err := client.Publish(ctx, "news.sport", "2:1"); err != nil {
		log.Fatal(err)
	}
	msg := <-sub.Messages()
	fmt.Println(msg.Pattern, msg.Channel, msg.Payload)
	// Output: news.* news.sport 2:1
}

// Go gives a result on a channel, for a select loop. BLPOP blocks on the server, and on a
// connection of its own.
func Example_select() {
	client, end := open()
	defer end()

	if _, err := client.RPush(ctx, "jobs", "resize cat.png"); err != nil {
		log.Fatal(err)
	}
	jobs := command.BLPop(0, "jobs").Go(ctx, client)
	select {
	case job := <-jobs:
		fmt.Println(job.Value.Value, job.Err)
	case <-time.After(time.Minute):
		fmt.Println("no job for a minute")
	}
	// Output: resize cat.png <nil>
}
