package report

import (
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/redchan-go/redchan/bench/internal/load"
	"github.com/redchan-go/redchan/bench/internal/peer"
	"github.com/redchan-go/redchan/bench/internal/result"
)

// Sizes of the picture, in pixels.
const (
	pictureWidth = 900
	labelWidth   = 150 // left of the bars
	valueWidth   = 150 // right of the longest bar
	barHeight    = 11
	barGap       = 1
	groupGap     = 14
	headHeight   = 78
	footHeight   = 30
)

// longest is the ratio that fills the width; longer bars are cut off and marked.
const longest = 10.0

// colors of the clients.
var colors = map[string]string{
	peer.Redchan:     "#c0392b",
	peer.Rueidis:     "#2471a3",
	peer.GoRedis:     "#239b56",
	peer.GoRedisAuto: "#82c99b",
	peer.Redigo:      "#b9770e",
	peer.RawLoop:     "#aab2b8",
}

// bar is one client's bar of a group.
type bar struct {
	client string
	ratio  float64 // of redchan's
	figure float64 // µs
}

// group is the bars of one workload.
type group struct {
	name string
	bars []bar
}

// groups returns what the picture shows.
func groups(s Summary, workloads []load.Workload) []group {
	var all []group
	for _, workload := range workloads {
		ours, ok := s.Figure(workload.Name, peer.Redchan, result.CPU)
		if !workload.Picture || !ok || ours.Median == 0 {
			continue
		}
		g := group{name: workload.Name}
		for _, client := range peer.Names() {
			if figure, ok := s.Figure(workload.Name, client, result.CPU); ok {
				g.bars = append(g.bars, bar{client, figure.Median / ours.Median, figure.Median})
			}
		}
		all = append(all, g)
	}
	return all
}

// Picture writes an SVG of the client CPU per operation, relative to redchan's, and
// reports whether there is anything to show; where there is not it writes nothing.
func Picture(w io.Writer, run result.Run, workloads []load.Workload) (bool, error) {
	shown := groups(Summarize(run.Cells), workloads)
	if len(shown) == 0 {
		return false, nil
	}
	height := headHeight + footHeight
	for _, g := range shown {
		height += len(g.bars)*(barHeight+barGap) + groupGap
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" `+
		`font-family="sans-serif" font-size="11" fill="#222">`+"\n", pictureWidth, height, pictureWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", pictureWidth, height)
	text(&b, 16, 24, `font-size="16" font-weight="bold"`, "Client CPU per operation, relative to redchan (less is better)")
	legend(&b, shown)
	grid(&b, height)
	y := headHeight
	for _, g := range shown {
		middle := y + len(g.bars)*(barHeight+barGap)/2
		text(&b, labelWidth-10, middle+3, `text-anchor="end" font-weight="bold"`, g.name)
		for _, bar := range g.bars {
			bar.draw(&b, y)
			y += barHeight + barGap
		}
		y += groupGap
	}
	text(&b, 16, height-10, `fill="#666" font-size="10"`, run.Machine+"; "+run.Server+"; "+run.Date)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return true, err
}

// scale returns how many pixels long a ratio is.
func scale(ratio float64) float64 {
	return math.Min(ratio, longest) / longest * (pictureWidth - labelWidth - valueWidth)
}

// draw draws a bar with its ratio and figure.
func (bar bar) draw(b *strings.Builder, y int) {
	length := scale(bar.ratio)
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n",
		labelWidth, y, math.Max(length, 1), barHeight, colors[bar.client])
	label := fmt.Sprintf("×%s  (%s µs)", Number(bar.ratio), Number(bar.figure))
	if bar.ratio > longest {
		label = "» " + label // the bar is cut off
	}
	text(b, labelWidth+int(length)+5, y+barHeight-2, `font-size="10"`, label)
}

// legend says which color is whose.
func legend(b *strings.Builder, shown []group) {
	x := labelWidth
	for _, client := range peer.Names() {
		drawn := slices.ContainsFunc(shown, func(g group) bool {
			return slices.ContainsFunc(g.bars, func(bar bar) bool { return bar.client == client })
		})
		if !drawn {
			continue
		}
		fmt.Fprintf(b, `<rect x="%d" y="38" width="12" height="12" fill="%s"/>`+"\n", x, colors[client])
		text(b, x+17, 48, "", client)
		x += 17 + 8*len(client) + 18
	}
}

// grid draws a line for every second multiple of redchan's figure, and its own.
func grid(b *strings.Builder, height int) {
	for _, ratio := range []float64{1, 2, 4, 6, 8, 10} {
		x := labelWidth + int(scale(ratio))
		color := "#e4e4e4"
		if ratio == 1 {
			color = "#c0392b"
		}
		fmt.Fprintf(b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s"/>`+"\n",
			x, headHeight-6, x, height-footHeight, color)
		text(b, x, headHeight-10, `text-anchor="middle" fill="#666" font-size="10"`, fmt.Sprintf("×%.0f", ratio))
	}
}

// text writes a line of text with its baseline at y.
func text(b *strings.Builder, x, y int, attributes, words string) {
	fmt.Fprintf(b, `<text x="%d" y="%d" %s>%s</text>`+"\n", x, y, attributes, html.EscapeString(words))
}
