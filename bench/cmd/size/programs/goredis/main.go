// The program "goredis" of cmd/size.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"reflect"

	"github.com/redis/go-redis/v9"
)

func main() {
	// What a service has without a client.
	var dialer tls.Dialer
	conn, err := dialer.DialContext(context.Background(), "tcp", "localhost:6379")
	text, _ := json.Marshal(os.Args)
	slog.Info("opened", "conn", conn, "error", err, "text", text)
	go func() { slog.Info("served", "error", http.ListenAndServe("localhost:0", nil)) }() //nolint:gosec // it is only linked
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	// A method whose name is not known when the program is linked.
	fmt.Println(reflect.ValueOf(client).MethodByName(os.Args[len(os.Args)-1]).IsValid())
}
