package browsertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// browser is the one of this process.
var browser struct {
	start sync.Once
	ctx   context.Context // of the browser, nil if there is none
	err   error
	stop  []func()
}

// Main runs the tests of a package, ends the browser and exits.
func Main(m *testing.M) {
	code := m.Run()
	for _, stop := range browser.stop {
		stop()
	}
	os.Exit(code)
}

var errNone = errors.New("there is no Chromium on the PATH: on Debian it is the package chromium")

// started returns the context of the browser, which the first call starts.
func started(t testing.TB) context.Context {
	t.Helper()
	if raceEnabled {
		t.Skip("the browser's tests run without the race detector")
	}
	browser.start.Do(func() { browser.ctx, browser.err = start() })
	switch {
	case browser.err == errNone && os.Getenv("CI") == "":
		t.Skip(browser.err)
	case browser.err != nil:
		t.Fatal(browser.err)
	}
	return browser.ctx
}

func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNone
}

// start starts a Chromium that knows no host but this one.
func start() (context.Context, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	profile, err := os.MkdirTemp("", "browsertest-")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.NoSandbox, // which root does not have
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("font-render-hinting", "none"),
	)
	allocator, endAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocator)
	browser.stop = append(browser.stop, func() {
		_ = chromedp.Cancel(ctx) // waits for the process
		end()
		endAllocator()
		_ = os.RemoveAll(profile)
	})
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("starting %s: %w", path, err)
	}
	return ctx, nil
}
