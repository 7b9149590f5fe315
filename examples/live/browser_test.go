package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// The page in a real browser. For pictures of it, for phones and desktops, light and dark:
//
//	go test -run=TestBrowser ./live -screenshots=directory
var screenshots = flag.String("screenshots", "", "where TestBrowser writes pictures of the page")

func TestBrowser(t *testing.T) {
	path := findBrowser(t)
	network, err := newNetwork()
	if err != nil {
		t.Fatal(err)
	}
	s := newSiteOn(t, limits{messages: 8}, network)
	t.Cleanup(func() { network.stall(false) })
	p := openPage(t, path, "http://"+network.Addr().String()+"/?channel=news&channel=sport")

	// Messages, as they come.
	p.shows("#redis", "Redis up")
	p.shows("#self", "This page connected")
	p.shows("#quiet", "Nothing yet.")
	s.publish("news", "The ferry leaves at nine")
	s.publish("sport", "<b>2:1</b> in the 90th minute")
	p.showsLast(".message", "news The ferry leaves at nine", "sport <b>2:1</b> in the 90th minute")
	p.shows("#announcer", "2 messages, the last on sport: <b>2:1</b> in the 90th minute")

	// Publishing by the form, with the keyboard alone.
	p.types("#text", "Is anybody here?\r")
	p.showsLast(".message", "news Is anybody here?")
	p.shows("#outcome", "Published on news.")
	p.picture("messages")

	// The link to Redis: lost, and back with a gap.
	s.redis.Close()
	p.shows("#redis", "Redis lost")
	p.shows("#announcer", "The link to Redis is lost")
	p.types("#text", "Hello?\r")
	p.shows("#outcome", "ublished")
	p.shows("#redis", "Redis lost for 1 s, trying again") // it counts
	p.picture("lost")
	if err := s.redis.Restart(); err != nil {
		t.Fatal(err)
	}
	p.shows("#redis", "Redis up")
	p.showsLast(".gap", "Messages may be missing here The link to Redis was lost: for up to ")
	s.publish("news", "The ferry is late")
	p.showsLast(".message", "news The ferry is late")
	p.picture("back")

	// A browser that takes nothing for a while is told how many messages it has missed.
	const flood = 3000
	network.stall(true)
	for number := range flood {
		s.publish("sport", fmt.Sprintf("goal %d", number+1))
	}
	network.stall(false)
	p.showsLast(".message", fmt.Sprintf("sport goal %d", flood))
	p.shows("#log", "messages are missing here This browser was too slow: for ")
	p.waits("#log", fmt.Sprintf("%d messages in all, come or missing", flood), fmt.Sprintf(`
		[...document.querySelectorAll(".message .payload")].filter((e) => e.innerText.startsWith("goal ")).length +
		[...document.querySelectorAll(".gap strong")].reduce((sum, e) => sum + (parseInt(e.innerText.replace(",", "")) || 0), 0) === %d`, flood))
	p.picture("flood")

	// The browser's own link: lost, and back with a gap.
	network.cut(true)
	p.shows("#self", "This page disconnected")
	p.shows("#redis", "Redis unknown")
	p.picture("disconnected")
	network.cut(false)
	p.shows("#self", "This page connected")
	p.shows("#redis", "Redis up")
	p.showsLast(".gap", "Messages may be missing here This page had no connection: for up to ")
	s.publish("news", strings.Repeat("A long story. ", 200))
	s.publish("news", "The ferry has left")
	p.showsLast(".message", "Show all 2,800 characters", "news The ferry has left")
	p.picture("again")

	// A page that the browser has put away, and shows again, says that it was away.
	p.pageIs("hide")
	eventually(t, "no stream is open", func() bool { return len(s.server.places) == 0 })
	p.pageIs("show")
	p.waits("#log", "a second gap of this page", `
		[...document.querySelectorAll(".gap")].filter((e) => e.innerText.includes("This page had no connection")).length === 2`)
	p.shows("#self", "This page connected")

	// Channels come and go.
	p.types("#name", "weather\r")
	p.showsLast(".note", "From here on: news, sport, weather")
	p.shows("#redis", "Redis up")
	s.publish("weather", "Rain")
	p.showsLast(".message", "weather Rain")
	p.click(`[aria-label="Stop following news"]`)
	p.showsLast(".note", "From here on: sport, weather")
	eventually(t, "news is not subscribed any more", func() bool { return s.redis.PubSubNumSub("news")["news"] == 0 })
	p.click(`[aria-label="Stop following sport"]`)
	p.click(`[aria-label="Stop following weather"]`)
	p.shows("#self", "follows nothing")
	eventually(t, "no stream is open", func() bool { return len(s.server.places) == 0 })

	// What the server does not accept is said on the page.
	p.opens("http://" + network.Addr().String() + "/?channel=" + strings.Repeat("x", 101))
	p.shows("#trouble", "a channel's name is 101 bytes long: 100 are the most")
	p.shows("#self", "This page not connected")
}

// page is a browser that has the page open.
type page struct {
	t   *testing.T
	ctx context.Context
}

// findBrowser returns the path of a browser. On machines that check the project a browser
// has to be there.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "no browser: install chromium (Debian: apt-get install chromium), or set CHROMIUM to one"
	if os.Getenv("CI") != "" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// openPage starts a browser, which ends with the test, and opens the page. The browser
// talks to this machine alone.
func openPage(t *testing.T, path, url string) *page {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("no-pings", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("no-proxy-server", true),
		chromedp.UserDataDir(t.TempDir()),
	)
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // the sandbox refuses to work for root
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closePage := chromedp.NewContext(ctx)
	t.Cleanup(closePage)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the browser does not end: %v", err)
		}
	})
	p := &page{t: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil { // its context is the browser's life
		t.Fatal(err)
	}
	p.opens(url)
	return p
}

// do runs steps in the browser.
func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *page) opens(url string) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(1100, 720), chromedp.Navigate(url))
}

func (p *page) types(selector, text string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

func (p *page) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

// pageIs tells the page that it is put away ("hide"), or shown again ("show").
func (p *page) pageIs(what string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf("dispatchEvent(new PageTransitionEvent('page%s', { persisted: true }))", what))); err != nil {
		p.t.Fatal(err)
	}
}

// shows waits until what the selector finds contains the text.
func (p *page) shows(selector, text string) {
	p.t.Helper()
	p.waits(selector, text, fmt.Sprintf("(document.querySelector(%q)?.innerText ?? '').replace(/\\s+/g, ' ').includes(%q)", selector, text))
}

// showsLast waits until the last elements that the selector finds contain the texts.
func (p *page) showsLast(selector string, texts ...string) {
	p.t.Helper()
	for i, text := range texts {
		p.waits(selector, text, fmt.Sprintf("([...document.querySelectorAll(%q)].at(%d)?.innerText ?? '').replace(/\\s+/g, ' ').includes(%q)",
			selector, i-len(texts), text))
	}
}

func (p *page) waits(selector, text, condition string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](condition, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(patience/2)))
	if err != nil {
		body, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
		p.t.Fatalf("%s does not show %q: %v\n%.3000s", selector, text, err, body)
	}
}

// picture takes pictures, if they are wanted.
func (p *page) picture(name string) {
	p.t.Helper()
	if *screenshots == "" {
		return
	}
	for size, width := range map[string]int64{"phone": 390, "desktop": 1100} {
		for _, scheme := range []string{"light", "dark"} {
			p.do(chromedp.EmulateViewport(width, 720), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				return err
			}))
			picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
			if err == nil {
				err = os.WriteFile(filepath.Join(*screenshots, name+"-"+size+"-"+scheme+".png"), picture, 0o644)
			}
			if err != nil {
				p.t.Fatal(err)
			}
		}
	}
	p.do(chromedp.EmulateViewport(1100, 720))
}

// network is a listener whose connections can be stalled, so that they look slow, and
// cut.
type network struct {
	net.Listener

	mu      sync.Mutex
	stalled bool
	open    chan struct{} // closed while connections are not stalled
	down    bool
	conns   map[net.Conn]struct{}
}

func newNetwork() (*network, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	n := &network{Listener: listener, open: make(chan struct{}), conns: make(map[net.Conn]struct{})}
	close(n.open)
	return n, err
}

// Accept closes at once what comes while the network is cut.
func (n *network) Accept() (net.Conn, error) {
	for {
		conn, err := n.Listener.Accept()
		if err != nil {
			return nil, err
		}
		n.mu.Lock()
		if !n.down {
			n.conns[conn] = struct{}{}
			n.mu.Unlock()
			return &networkConn{conn, n}, nil
		}
		n.mu.Unlock()
		conn.Close()
	}
}

// stall lets writes wait, or go on.
func (n *network) stall(stalled bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if stalled == n.stalled {
		return
	}
	n.stalled = stalled
	if stalled {
		n.open = make(chan struct{})
	} else {
		close(n.open)
	}
}

// cut ends all connections, and lets no new one come about until it is over.
func (n *network) cut(down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
	for conn := range n.conns {
		conn.Close()
	}
	clear(n.conns)
}

// networkConn is a connection over a network.
type networkConn struct {
	net.Conn
	network *network
}

func (c *networkConn) Write(b []byte) (int, error) {
	c.network.mu.Lock()
	open := c.network.open
	c.network.mu.Unlock()
	<-open
	return c.Conn.Write(b)
}
