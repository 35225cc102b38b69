package browsertest

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
)

// Size gives the window a size, in CSS pixels. A narrow one is that of a phone.
func (p *Page) Size(width, height int64) {
	p.t.Helper()
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600,
	})
}

// Dark has the page know that its reader wants dark pages, or light ones; and, so that what a
// test sees is at rest, as little motion as can be.
func (p *Page) Dark(dark bool) {
	p.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// Screenshot writes what the window shows to a file name.png of the run.
func (p *Page) Screenshot(name string) {
	p.t.Helper()
	p.write(name, p.PNG(false))
}

// FullScreenshot is Screenshot of the whole page.
func (p *Page) FullScreenshot(name string) {
	p.t.Helper()
	p.write(name, p.PNG(true))
}

// PNG returns a picture of the window, or of the whole page.
func (p *Page) PNG(whole bool) []byte {
	p.t.Helper()
	params := page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng, CaptureBeyondViewport: &whole}
	if whole {
		size := Eval[[2]float64](p, "[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
		params.Clip = &page.Viewport{Width: size[0], Height: size[1], Scale: 1}
	}
	return call(p, page.CaptureScreenshot, params).Data
}

func (p *Page) write(name string, png []byte) {
	p.t.Helper()
	folder := os.Getenv("ASIDE_SCREENSHOTS")
	if folder == "" {
		folder = "screenshots"
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

//go:embed contrast.js
var contrast string

// CheckContrast fails the test for each text that is shown with less contrast than WCAG 2.2 asks
// for at level AA: 4.5 to 1, or 3 to 1 for large text.
func (p *Page) CheckContrast() {
	p.t.Helper()
	type text struct {
		Text, Where, Color, Background string
		Ratio, Least                   float64
	}
	found := Eval[struct {
		Seen int
		Poor []text
	}](p, contrast)
	if found.Seen == 0 {
		p.t.Error("there is no text to be seen")
	}
	for _, bad := range found.Poor {
		p.t.Errorf("contrast %.2f of %q (%s), %s on %s, want %.1f", bad.Ratio, bad.Text, bad.Where, bad.Color, bad.Background, bad.Least)
	}
}

// CheckWidth fails the test if the page is wider than its window, and names what is.
func (p *Page) CheckWidth() {
	p.t.Helper()
	wide := Eval[[]string](p, `(() => {
		const width = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= width) return [];
		return [...document.body.querySelectorAll("*")]
			.filter(e => e.getBoundingClientRect().right > width + 1)
			.map(e => e.tagName + "." + e.className + "#" + e.id)
			.concat("the page is " + document.documentElement.scrollWidth + " wide in " + width);
	})()`)
	if len(wide) > 0 {
		p.t.Error("too wide: " + strings.Join(wide, ", "))
	}
}
