// Package golden stands for one that helps with golden files.
package golden

import "flag"

// Update is the flag -update.
var Update = flag.Bool("update", false, "write golden files")
