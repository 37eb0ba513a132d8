"""Videos: files of video, pictures, arrays of frames. Start reading at video.py."""
