module github.com/redchan-go/redchan/examples

go 1.26.0

replace github.com/redchan-go/redchan => ../

require (
	github.com/alicebob/miniredis/v2 v2.40.0
	github.com/redchan-go/redchan v0.0.0-00010101000000-000000000000
	go.uber.org/goleak v1.3.0
	golang.org/x/sync v0.24.0
)

require github.com/yuin/gopher-lua v1.1.1 // indirect
