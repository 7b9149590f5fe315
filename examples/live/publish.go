package main

import (
	"context"
	"net/http"

	"github.com/redchan-go/redchan/redis"
)

// publish publishes a message for a browser, which sees it in its stream like everybody
// else. The answer is empty, or says in words what is wrong.
func (s *server) publish(w http.ResponseWriter, r *http.Request) {
	channel, text, status, err := published(w, r)
	if err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.reply)
	defer cancel()
	_, err = s.client.Publish(ctx, channel, text)
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case redis.SafeToRetry(err):
		s.log.Warn("not published", "channel", channel, "error", err)
		http.Error(w, "Not published: Redis can't be reached, or refuses it. Try again in a while.", http.StatusServiceUnavailable)
	default:
		s.log.Warn("maybe published", "channel", channel, "error", err)
		http.Error(w, "Maybe published, maybe not: the link to Redis was lost before it answered.", http.StatusGatewayTimeout)
	}
}
