"""How much a file of another tool may hold. All of it is read in a process of its own."""

MB = 10**6
MOST_FILE_BYTES = 1000 * MB  # of one file, and of all that a zip or a folder holds
MOST_FILES = 2_000  # in a zip or a folder
MOST_RUNS = 200
MOST_CURVES = 1_000  # of all runs together
MOST_COLUMNS = 2_000  # of a table
MOST_ROWS = 20_000_000  # of a table, and events of an event file
MOST_POINTS = 10_000  # kept of a curve
MOST_HELD = 8_000_000  # points of all curves while a file is read, 24 bytes each
MOST_SETTINGS = 300  # kept of a run
LONGEST_NAME = 200  # characters of the name of a curve, a run or a setting
LONGEST_TEXT = 500  # characters of a setting's value
LONGEST_LINE = 4 * MB  # of a text file
LONGEST_RECORD = 64 * MB  # of an event file
LARGEST_STEP = 10**15
SECONDS = 300.0  # until the process that reads is ended
SPARE_BYTES = 2 * 10**9  # of its memory, in addition to the program's own
