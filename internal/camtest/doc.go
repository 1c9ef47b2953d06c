// Package camtest is a camera in a box: a real RTSP server on loopback that plays an MP4
// file's H.264 or H.265 pictures at their true rate, without decoding or encoding them.
// Tests use it in place of a camera, and so does "vedette demo".
//
// A Camera is one live stream, as a camera's is: it begins with the first viewer and then
// runs on whether anybody watches or not, so a viewer that comes back joins it where it
// is, usually in the middle of a group of pictures. Timestamps run on over the loop's
// seam. It can be told to misbehave: lose packets, stall, reset its connections, send
// garbage. GStreamer starts a third-party camera instead, and Clip makes footage where
// there is none.
//
// Media reads the plain MP4 files that FFmpeg and cameras write. It is no general
// demultiplexer: fragmented files and edit lists are not for it.
package camtest
