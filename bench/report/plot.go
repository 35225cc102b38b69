package report

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"os"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A Plot is a picture of lines. Both axes are logarithmic: what is compared
// differs by factors.
type Plot struct {
	File  string // in the folder of the report: "hit.svg"
	Title string
	X, Y  string
	Lines []Line
}

// A Line is one contender's.
type Line struct {
	Name string
	XY   [][2]float64
}

const (
	width  = 24 * vg.Centimeter
	height = 12 * vg.Centimeter
	legend = 7 * vg.Centimeter // of the width
)

// write draws the plot into a file.
func (p *Plot) write(path string) (err error) {
	canvas := vgsvg.New(width, height)
	if err := p.draw(draw.New(canvas)); err != nil {
		return fmt.Errorf("report: plot %s: %w", p.File, err)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err = canvas.WriteTo(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// draw draws the lines, and beside them what they stand for.
func (p *Plot) draw(c draw.Canvas) error {
	if len(p.Lines) == 0 {
		return errors.New("it has no lines")
	}
	out := plot.New()
	out.BackgroundColor = color.White
	out.Title.Text, out.X.Label.Text, out.Y.Label.Text = p.Title, p.X, p.Y
	out.X.Scale, out.Y.Scale = plot.LogScale{}, plot.LogScale{}
	out.X.Tick.Marker, out.Y.Tick.Marker = p.xTicks(), plot.TickerFunc(ticks125)
	for _, style := range []*font.Font{
		&out.Title.TextStyle.Font, &out.X.Label.TextStyle.Font, &out.Y.Label.TextStyle.Font,
		&out.X.Tick.Label.Font, &out.Y.Tick.Label.Font, &out.Legend.TextStyle.Font,
	} {
		style.Variant = "Sans"
	}
	out.Add(plotter.NewGrid())
	out.Legend.Top, out.Legend.Padding = true, vg.Millimeter
	for i, l := range p.Lines {
		if err := add(out, i, l); err != nil {
			return fmt.Errorf("%s: %w", l.Name, err)
		}
	}
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	out.Legend.Draw(draw.Crop(c, width-legend, -vg.Millimeter, 0, -vg.Centimeter))
	out.Legend = plot.NewLegend()
	out.Draw(draw.Crop(c, 0, -legend-5*vg.Millimeter, 0, 0))
	return nil
}

// add adds a line; those of aside are strong.
func add(out *plot.Plot, i int, l Line) error {
	points := make(plotter.XYs, len(l.XY))
	for j, xy := range l.XY {
		if xy[0] <= 0 || xy[1] <= 0 {
			return fmt.Errorf("a logarithmic axis has no place for %v", xy)
		}
		points[j] = plotter.XY{X: xy[0], Y: xy[1]}
	}
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.Color, dots.Color, dots.Shape = plotutil.Color(i), plotutil.Color(i), plotutil.Shape(i)
	line.Dashes = plotutil.Dashes(1)
	if strings.HasPrefix(l.Name, "aside") {
		line.Width, line.Dashes = 2*line.Width, nil
	}
	out.Add(line, dots)
	out.Legend.Add(l.Name, line, dots)
	return nil
}

// xTicks marks what was measured.
func (p *Plot) xTicks() plot.ConstantTicks {
	var ticks []plot.Tick
	for _, xy := range p.Lines[0].XY {
		ticks = append(ticks, plot.Tick{Value: xy[0], Label: fmt.Sprint(int(xy[0]))})
	}
	return ticks
}

// ticks125 marks 1, 2 and 5 times the powers of ten.
func ticks125(low, high float64) (ticks []plot.Tick) {
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		for _, digit := range []float64{1, 2, 5} {
			if v := digit * power; v >= low && v <= high {
				ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%.0f", v)})
			}
		}
	}
	return ticks
}
