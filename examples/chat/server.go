package main

import "github.com/alicebob/miniredis/v2"

// localAddr is where terminals of one machine meet when there is no REDIS_URL.
const localAddr = "127.0.0.1:6399"

// serve starts a server inside this program. It returns nil where that can't
// listen, because another terminal was first; connecting tells if it was not.
func serve(addr string) (server *miniredis.Miniredis, at string) {
	server = miniredis.NewMiniRedis()
	if server.StartAddr(addr) != nil {
		return nil, addr
	}
	return server, server.Addr()
}
