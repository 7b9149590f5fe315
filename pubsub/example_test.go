package pubsub_test

import (
	"context"
	"fmt"
	"log"
	"sync"

	"github.com/redchan-go/redchan"
	"github.com/redchan-go/redchan/internal/exampleserver"
	"github.com/redchan-go/redchan/pubsub"
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

// publish publishes to a channel.
func publish(client *redchan.Client, channel string, messages ...string) {
	for _, message := range messages {
		if _, err := client.Publish(ctx, channel, message); err != nil {
			log.Fatal(err)
		}
	}
}

// Messages arrive on a Go channel. It is closed when the subscription ends, and Err says why.
func ExampleSubscription_Messages() {
	client, end := open()
	defer end()

	sub, err := client.Subscribe(ctx, "news", "sport")
	if err != nil {
		log.Fatal(err)
	}
	publish(client, "news", "hello")
	publish(client, "sport", "2:1")
	if err := sub.Unsubscribe(ctx); err != nil { // all; what was sent before is delivered
		log.Fatal(err)
	}
	for msg := range sub.Messages() {
		fmt.Println(msg.Channel, msg.Payload)
	}
	fmt.Println(sub.Err())
	// Output:
	// news hello
	// sport 2:1
	// <nil>
}

func ExampleSubscription_Next() {
	client, end := open()
	defer end()

	sub, err := client.Subscribe(ctx, "news")
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	publish(client, "news", "hello")
	msg, err := sub.Next(ctx)
	fmt.Println(msg.Payload, err)
	// Output: hello <nil>
}

func ExampleSubscription_All() {
	client, end := open()
	defer end()

	sub, err := client.Subscribe(ctx, "news")
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	publish(client, "news", "hello", "bye")
	for msg, err := range sub.All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(msg.Payload)
		if msg.Payload == "bye" {
			break // the subscription goes on
		}
	}
	// Output:
	// hello
	// bye
}

// Names can be added to a subscription, and taken off.
func ExampleSubscription_Subscribe() {
	client, end := open()
	defer end()

	sub, err := client.Subscribe(ctx, "news")
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	if err := sub.Subscribe(ctx, "sport"); err != nil {
		log.Fatal(err)
	}
	if err := sub.Unsubscribe(ctx, "news"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(sub.Names())
	// Output: [channel "sport"]
}

// Run calls handlers: those of one channel one after the other, those of several channels beside
// each other.
func ExampleSubscription_Run() {
	client, end := open()
	defer end()

	var done sync.WaitGroup
	done.Add(1)
	sub, err := client.NewSubscription(ctx, pubsub.Handle(pubsub.Channel("news"), func(ctx context.Context, msg pubsub.Message) error {
		defer done.Done()
		fmt.Println(msg.Payload)
		return nil
	}))
	if err != nil {
		log.Fatal(err)
	}
	run, err := sub.Run(ctx, 4, nil)
	if err != nil {
		log.Fatal(err)
	}
	publish(client, "news", "hello")
	done.Wait()
	sub.Close()
	fmt.Println(run.Wait(ctx))
	// Output:
	// hello
	// <nil>
}

// AsJSON is a channel of decoded messages.
func ExampleAsJSON() {
	client, end := open()
	defer end()

	type price struct {
		Symbol string
		Cents  int
	}
	sub, err := client.Subscribe(ctx, "prices")
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	prices := pubsub.AsJSON[price](sub)
	publish(client, "prices", `{"symbol": "ADA", "cents": 36}`)
	item := <-prices
	fmt.Println(item.Value.Symbol, item.Value.Cents, item.Err)
	// Output: ADA 36 <nil>
}

func ExamplePayloads() {
	client, end := open()
	defer end()

	sub, err := client.Subscribe(ctx, "news")
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	texts := pubsub.Payloads(sub)
	publish(client, "news", "hello")
	fmt.Println(<-texts)
	// Output: hello
}
