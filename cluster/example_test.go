package cluster_test

import (
	"context"
	"fmt"
	"log"

	"github.com/redchan-go/redchan/cluster"
	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/internal/exampleserver"
	"github.com/redchan-go/redchan/redis"
	"github.com/redchan-go/redchan/redis/command"
)

var ctx = context.Background()

// open opens a client of a cluster that ends with it.
func open() (client *cluster.Client, end func()) {
	node := exampleserver.Start()
	client, err := cluster.Open(ctx, "redis+cluster://"+node.Addr())
	if err != nil {
		log.Fatal(err)
	}
	return client, func() {
		_ = client.Close()
		node.Close()
	}
}

// Some of the nodes are enough: they tell of the others.
func ExampleOpen() {
	node := exampleserver.Start()
	defer node.Close()

	client, err := cluster.Open(ctx, "redis+cluster://"+node.Addr())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	if err := client.Set(ctx, "greeting", "hello"); err != nil {
		log.Fatal(err)
	}
	greeting, err := client.Get(ctx, "greeting")
	fmt.Println(greeting, err)
	// Output: hello <nil>
}

// The client's MGET takes keys of one slot, this one any keys: it sends one MGET for each slot.
func ExampleMGet() {
	client, end := open()
	defer end()

	if err := cluster.MSet(ctx, client, command.Map{"a": 1, "b": 2}); err != nil {
		log.Fatal(err)
	}
	values, err := cluster.MGet(ctx, client, "a", "b", "c")
	fmt.Println(values, err)
	// Output: [1 2 <nil>] <nil>
}

// A pipeline takes commands of any slots.
func ExampleClient_Pipeline() {
	client, end := open()
	defer end()

	p := client.Pipeline()
	a, b := p.Incr("a"), p.Incr("b")
	if err := p.Exec(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(a, b)
	// Output: 1 1
}

// Keys with the same text in braces have the same slot, as a transaction wants it.
func ExampleClient_Multi() {
	client, end := open()
	defer end()

	var b command.Batch
	debit := b.IncrBy("{order:7}:open", -1)
	done := b.IncrBy("{order:7}:done", 1)
	if err := client.Multi(ctx, &b); err != nil {
		log.Fatal(err)
	}
	fmt.Println(debit, done)
	// Output: -1 1
}

func ExampleClient_ForEachPrimary() {
	client, end := open()
	defer end()

	err := client.ForEachPrimary(ctx, func(ctx context.Context, node *redis.Client) error {
		return node.Set(ctx, "checked", "yes")
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_Topology() {
	client, end := open()
	defer end()

	for _, shard := range client.Topology().Shards() {
		fmt.Println(shard.Slots, len(shard.Replicas))
	}
	_, served := client.Topology().ShardOf(slot.Of("greeting"))
	fmt.Println(served)
	// Output:
	// [0-16383] 0
	// true
}

func ExampleClient_SSubscribe() {
	client, end := open()
	defer end()

	sub, err := client.SSubscribe(ctx, "orders:1", "orders:2") // of any slots
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	if _, err := client.SPublish(ctx, "orders:2", "paid"); err != nil {
		log.Fatal(err)
	}
	msg := <-sub.Messages()
	fmt.Println(msg.Channel, msg.Payload)
	// Output: orders:2 paid
}
