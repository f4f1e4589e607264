package main

import (
	"strings"
)

// cell is text with a colour.
type cell struct {
	text  string
	color color
}

func text(s string) cell             { return cell{text: s} }
func colored(c color, s string) cell { return cell{s, c} }

// table is rows of cells under a heading.
type table struct{ rows [][]cell }

func newTable(headings ...string) *table {
	t := new(table)
	cells := make([]cell, len(headings))
	for i, h := range headings {
		cells[i] = text(h)
	}
	t.add(cells...)
	return t
}

func (t *table) add(cells ...cell) {
	for i := range cells {
		cells[i].text = oneLine(cells[i].text)
	}
	t.rows = append(t.rows, cells)
}

// print aligns the columns; on a terminal a line that is too long is cut.
func (a *app) print(t *table) {
	widths := t.widths()
	shown := a.screen.fitting(widths)
	for _, row := range t.rows {
		a.printf("%s\n", a.screen.line(row[:min(len(row), shown)], widths))
	}
}

// fitting is how many columns of a table are shown: one of which only a letter or
// two could be read is left out, and those after it.
func (s screen) fitting(widths []int) int {
	const readable = 8
	left := s.width
	for i, w := range widths {
		if s.terminal && s.width > 0 && i > 0 && left < min(w, readable) {
			return i
		}
		left -= w + gap
	}
	return len(widths)
}

func (t *table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(c.text))
		}
	}
	return widths
}

const gap = 2 // columns between two cells

func (s screen) line(row []cell, widths []int) string {
	var b strings.Builder
	left := s.width
	pending := 0 // blanks before the next cell that has text
	for i, c := range row {
		if c.text == "" {
			pending += widths[i] + gap
			continue
		}
		b.WriteString(strings.Repeat(" ", pending))
		shown := c.text
		if s.terminal && s.width > 0 {
			if left -= pending; left <= 0 {
				break
			}
			shown = cut(shown, left)
			left -= columns(shown)
		}
		b.WriteString(s.paint(c.color, shown))
		pending = max(0, widths[i]-columns(shown)) + gap
	}
	return strings.TrimRight(b.String(), " ")
}
