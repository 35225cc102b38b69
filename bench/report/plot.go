package report

import (
	"fmt"
	"image/color"
	"os"

	"gonum.org/v1/plot"
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
	width  = 20 * vg.Centimeter
	height = 12 * vg.Centimeter
)

// write draws the plot into a file.
func (p *Plot) write(path string) (err error) {
	canvas := vgsvg.New(width, height)
	drawn, err := p.draw()
	if err != nil {
		return fmt.Errorf("report: plot %s: %w", p.File, err)
	}
	drawn.Draw(draw.New(canvas))
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

func (p *Plot) draw() (*plot.Plot, error) {
	out := plot.New()
	out.BackgroundColor = color.White
	out.Title.Text, out.X.Label.Text, out.Y.Label.Text = p.Title, p.X, p.Y
	out.X.Scale, out.Y.Scale = plot.LogScale{}, plot.LogScale{}
	out.X.Tick.Marker, out.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
	out.Legend.Top, out.Legend.Left = true, true
	out.Add(plotter.NewGrid())
	for i, l := range p.Lines {
		points := make(plotter.XYs, len(l.XY))
		for j, xy := range l.XY {
			points[j] = plotter.XY{X: xy[0], Y: xy[1]}
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.Name, err)
		}
		line.Color, dots.Color = plotutil.Color(i), plotutil.Color(i)
		line.Dashes, dots.Shape = plotutil.Dashes(i), plotutil.Shape(i)
		out.Add(line, dots)
		out.Legend.Add(l.Name, line, dots)
	}
	return out, nil
}
