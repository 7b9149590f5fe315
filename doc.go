// Package redchan is a client for Redis and Valkey in which everything that arrives is
// delivered on a Go channel:
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"log"
//
//		"github.com/redchan-go/redchan"
//	)
//
//	func main() {
//		ctx := context.Background()
//		client, err := redchan.Open(ctx, "redis://localhost:6379")
//		if err != nil {
//			log.Fatal(err)
//		}
//		defer client.Close()
//
//		sub, err := client.Subscribe(ctx, "news")
//		if err != nil {
//			log.Fatal(err)
//		}
//		if _, err := client.Publish(ctx, "news", "hello"); err != nil {
//			log.Fatal(err)
//		}
//		for msg := range sub.Messages() {
//			fmt.Println(msg.Channel, msg.Payload, msg.Gap)
//		}
//		log.Print(sub.Err())
//	}
//
// A [Client] serves one server or a cluster, chosen by the URL. It has a method for every
// command. Package [github.com/redchan-go/redchan/redis/command] has the commands as
// values, for batches, for results on channels, and for decoding.
// [github.com/redchan-go/redchan/pubsub] has subscriptions, messages, and gaps.
// [github.com/redchan-go/redchan/redis/redistest] is a fake server for tests. Programs that
// need only a client of one server or only a client of a cluster use packages
// [github.com/redchan-go/redchan/redis] and [github.com/redchan-go/redchan/cluster].
package redchan
