// Package browsertest drives pages of this project in a headless Chromium: it loads them, uses
// them by mouse and keyboard, and finds what is wrong with them. It is a module of its own, as it
// needs a client of the DevTools protocol.
//
//	func TestMain(m *testing.M) { browsertest.Main(m) }
//
//	func TestPage(t *testing.T) {
//		server := httptest.NewServer(handler)
//		defer server.Close()
//		p := browsertest.Open(t, server.URL)
//		p.Click("#more")
//		p.Wait(`document.querySelectorAll("li").length > 3`)
//		p.CheckContrast()
//		p.Screenshot("more")
//	}
//
// The tests of a package share one browser, which Main ends. Each page is a tab that has no cookies
// and no storage of another. At the end of its test a page fails that if it has asked another
// host for anything, or has written an error or a warning to the browser's console.
//
// Without Chromium the tests are skipped, unless CI is set. Under the race detector they are
// skipped as well: what they test runs in the browser, and the handlers have tests of their own.
//
// Screenshots are written to the folder that ASIDE_SCREENSHOTS names, or to screenshots in that of
// the package.
package browsertest
