package bloom_test

import (
	"context"
	"fmt"

	"github.com/redchan-go/redchan/redis/module/bloom"
	"github.com/redchan-go/redchan/redis/module/internal/moduletest"
)

func Example() {
	ctx := context.Background()
	// Any client will do; this one has its answers written down.
	client := moduletest.Answers("*2\r\n#t\r\n#f\r\n", "*2\r\n,12.5\r\n,80\r\n")

	fresh, err := bloom.BFMAdd("seen", "https://example.com/", "https://example.com/").Do(ctx, client)
	fmt.Println(fresh, err)
	latency, err := bloom.TDigestQuantile("latency", 0.5, 0.99).Do(ctx, client)
	fmt.Println(latency, err)
	// Output:
	// [true false] <nil>
	// [12.5 80] <nil>
}
