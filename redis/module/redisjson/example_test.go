package redisjson_test

import (
	"context"
	"fmt"

	"github.com/redchan-go/redchan/redis/module/internal/moduletest"
	"github.com/redchan-go/redchan/redis/module/redisjson"
)

func Example() {
	ctx := context.Background()
	// Any client will do; this one has its answers written down.
	client := moduletest.Answers("+OK\r\n", "*1\r\n:37\r\n", "$25\r\n[{\"name\":\"Ada\",\"age\":37}]\r\n")

	ok, err := redisjson.Set("user:1", "$", user{"Ada", 36}).Do(ctx, client)
	fmt.Println(ok, err)
	ages, err := redisjson.NumIncrBy("user:1", "$.age", 1).Do(ctx, client)
	fmt.Println(ages[0].Value, err)
	users, err := redisjson.GetInto[user]("user:1", "$").Do(ctx, client)
	fmt.Println(users, err)
	// Output:
	// true <nil>
	// 37 <nil>
	// [{Ada 37}] <nil>
}
