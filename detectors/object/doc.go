// Package object names what moves: persons, vehicles and the other classes of a YOLOX
// network (Ge et al. 2021), run by ONNX Runtime. It is the only door to that library.
//
// One Detector serves all cameras: one session, a few sets of buffers, one budget of
// inferences per second that the cameras share fairly. It is called where motion or tracks
// ask for a look; with nothing to look at it costs nothing. When what is asked for lies
// close together, only that part of the picture is shown; what lies far apart is cut out and
// shown side by side in one small input (sheet.go), at a third of the cost of the whole.
//
// A look costs what it shows. The input of the network shrinks to the picture, in steps of
// 32 pixels: a picture of 16:9 costs 0.6 of the square that it would be padded to, and a
// part of 224x224 pixels 0.3. The file's own size is the largest.
//
// Any ONNX file of YOLOX's shape will do: one input of 1x3xHxW, BGR 0..255, one output of
// 1xNx(5+classes) over the grids of strides 8, 16 and 32. Sizes and classes are read from
// the file. Weights and library are foreign: what does not fit is refused with its reason,
// and what the network says is checked number by number.
//
// It reads no clock: the budget runs on the arrival times of the frames, so a film that is
// analysed as fast as the machine goes gets what the live camera would have got.
//
// What does not depend on the weights is left to the painter: of YOLOX's first layer, which only
// moves pixels, nothing is left in the network (focus.go).
//
// It does not track, remember or decide anything, and knows no zones.
package object
