// The program "single" of cmd/size.
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

	"github.com/redchan-go/redchan/redis"
)

func main() {
	// What a service has without a client.
	var dialer tls.Dialer
	conn, err := dialer.DialContext(context.Background(), "tcp", "localhost:6379")
	text, _ := json.Marshal(os.Args)
	slog.Info("opened", "conn", conn, "error", err, "text", text)
	go func() { slog.Info("served", "error", http.ListenAndServe("localhost:0", nil)) }() //nolint:gosec // it is only linked
	client, err := redis.Open(context.Background(), "redis://localhost:6379")
	fmt.Println(err)
	// A method whose name is not known when the program is linked.
	fmt.Println(reflect.ValueOf(client).MethodByName(os.Args[len(os.Args)-1]).IsValid())
}
