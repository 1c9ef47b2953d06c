package object

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vedette-cctv/vedette/models"
)

// maxClasses bounds what a file may claim; Open Images has 601 classes, Objects365 365.
const maxClasses = 4096

// readLabels returns the names of the classes: one a line in the text file beside the
// weights (yolox.onnx: yolox.txt), or COCO's when there is none and the number fits.
func readLabels(weights string, classes int) ([]string, error) {
	path := strings.TrimSuffix(weights, ".onnx") + ".txt"
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if classes == len(coco) {
			return coco, nil
		}
		return nil, fmt.Errorf("%d classes without names: write them to %s, one a line", classes, path)
	}
	if err != nil {
		return nil, err
	}
	labels, err := parseLabels(string(data))
	if err == nil && len(labels) != classes {
		err = fmt.Errorf("%d names for %d classes", len(labels), classes)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return labels, nil
}

func parseLabels(text string) ([]string, error) {
	var labels []string
	held := map[string]int{}
	for line := range strings.Lines(text) {
		name := strings.TrimSpace(line)
		n := len(labels) + 1
		switch {
		case name == "" || len(name) > 64 || !utf8.ValidString(name):
			return nil, fmt.Errorf("line %d is not a name of 1 to 64 bytes", n)
		case held[name] > 0:
			return nil, fmt.Errorf("line %d repeats %q of line %d", n, name, held[name])
		case n > maxClasses:
			return nil, fmt.Errorf("more than %d names", maxClasses)
		}
		held[name] = n
		labels = append(labels, name)
	}
	return labels, nil
}

// wantedOf are the numbers of the classes that are reported: of COCO's those that come and
// go in front of a camera, and what is named besides; of other classes all. A car from
// above looks like a cell phone to a network that was trained on holiday pictures: without
// the choice of a cell phone it is a car.
func wantedOf(labels, also []string) []int {
	var wanted []int
	for i, l := range labels {
		if !slices.Equal(labels, coco) || slices.Contains(coming, l) || slices.Contains(also, l) {
			wanted = append(wanted, i)
		}
	}
	return wanted
}

// coming are the classes of COCO that move by themselves, are driven or are carried.
var coming = []string{
	"person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
	"bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe",
	"backpack", "umbrella", "handbag", "suitcase",
}

var coco = models.COCO()
