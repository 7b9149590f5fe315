// Package redchan is the root of a client for Redis and Valkey where
// everything that arrives is delivered on a Go channel:
//
//	client, err := redis.Open(ctx, "redis://localhost:6379")
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	sub, err := client.Subscribe(ctx, "news")
//	if err != nil {
//		return err
//	}
//	for msg := range sub.Messages() {
//		fmt.Println(msg.Channel, msg.Payload, msg.Gap)
//	}
//	return sub.Err()
//
// Start with package [github.com/redchan-go/redchan/redis], the client;
// [github.com/redchan-go/redchan/redis/command] has the commands,
// [github.com/redchan-go/redchan/pubsub] the subscriptions, and
// [github.com/redchan-go/redchan/redis/redistest] a fake server for tests.
package redchan
