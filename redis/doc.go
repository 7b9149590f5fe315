// Package redis is a client for Redis and Valkey servers:
//
//	client, err := redis.Open(ctx, "redis://localhost:6379")
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//
//	sub, err := client.Subscribe(ctx, "news")
//	if err != nil {
//		return err
//	}
//	ticker := time.NewTicker(time.Minute)
//	defer ticker.Stop()
//	var minutes <-chan command.Result[int64] // nil, which is never ready, until asked
//	for {
//		select {
//		case msg, ok := <-sub.Messages():
//			if !ok {
//				return sub.Err() // why it ended
//			}
//			fmt.Println(msg.Channel, msg.Payload, msg.Gap)
//		case <-ticker.C:
//			minutes = command.Incr("minutes").Go(ctx, client)
//		case r := <-minutes:
//			fmt.Println("up for", r.Value, "minutes", r.Err)
//		}
//	}
//
// A [Client] is shared by the whole program. Commands of all goroutines go
// over one connection, together where they come together; commands that block
// get one of their own; all subscriptions share one more. Connections are made
// again when they are lost, and nothing is lost silently: a command's error
// says whether it may have run ([SafeToRetry]), and a subscription's next
// message says what it may have missed (pubsub.Gap).
//
// Cancelling a context ends the waiting for a reply. It closes no connection,
// save that of a command that blocks on the server.
//
// Commands are methods of the client, which wait for their result:
// client.Incr(ctx, "minutes"). Or they are values of package command, whose Go
// gives the result on a channel, so that a select loop does not wait while the
// server is away.
package redis
