# peers: h5
"""Makes climate.h5 beside this script, or in the directory given as an argument.

A file as climate scientists have them: coordinates with CF attributes, compressed fields in nested groups, packed
integers, a station list with names, a scalar, and a dataset that nothing was appended to yet.
All values come from formulas; running the script twice gives the same file.

    python -m pip install h5py numpy && python testdata/make_climate.py
"""
import pathlib
import sys

import h5py
import numpy as np

TIMES, LEVELS, LATITUDES, LONGITUDES = 24, 4, 45, 90


def wave(*axes):
    """A sum of waves along the axes, broadcast to their product."""
    grids = np.meshgrid(*axes, indexing="ij")
    return sum(np.sin((index + 1) * grid / 7.0) for index, grid in enumerate(grids))


def describe(dataset, **attributes):
    for name, value in attributes.items():
        dataset.attrs[name] = value


def main(folder):
    time = np.arange(TIMES, dtype="<i4") * 6
    level = np.array([1000.0, 850.0, 500.0, 250.0])
    lat = np.linspace(-88, 88, LATITUDES)
    lon = np.arange(LONGITUDES) * 4.0
    packed = {"compression": "gzip", "compression_opts": 4, "shuffle": True, "track_times": False}
    with h5py.File(folder / "climate.h5", "w") as file:
        describe(file, title="Six days of a made-up climate", Conventions="CF-1.8", version=3)
        describe(file.create_dataset("time", data=time, track_times=False),
                 units="hours since 2001-01-01", calendar="standard", standard_name="time")
        describe(file.create_dataset("lat", data=lat, track_times=False),
                 units="degrees_north", standard_name="latitude", valid_range=np.array([-90.0, 90.0]))
        describe(file.create_dataset("lon", data=lon.astype("<f4"), track_times=False),
                 units="degrees_east", standard_name="longitude", valid_range=np.array([0.0, 360.0]))

        atmosphere = file.create_group("atmosphere")
        describe(atmosphere, source="a formula", steps=TIMES)
        describe(atmosphere.create_dataset("level", data=level, track_times=False), units="hPa", positive="down")
        temperature = 280 + 15 * wave(time, level / 100, lat, lon / 2)
        field = atmosphere.create_dataset("temperature", data=np.round(temperature, 1).astype("<f4"),
                                          chunks=(6, 2, 23, 45), fillvalue=np.float32("nan"), **packed)
        describe(field, units="K", standard_name="air_temperature", cell_methods="time: mean",
                 _FillValue=np.float32("nan"))
        pressure = 101325 + 900 * wave(time, lat, lon / 3)
        field = atmosphere.create_dataset("pressure", data=np.round((pressure - 1e5) / 0.5).astype(">i2"),
                                          chunks=(12, 45, 90), **packed)
        describe(field, units="Pa", scale_factor=0.5, add_offset=1e5, _FillValue=np.int16(-32768))

        surface = atmosphere.create_group("surface")
        land = wave(lat / 3, lon / 5) > 0.2
        field = surface.create_dataset("land", data=land, chunks=(45, 45), **packed)
        describe(field, long_name="whether a cell is land", flag_meanings=["sea", "land"])
        cover = surface.create_dataset("cover", shape=(LATITUDES, LONGITUDES), dtype="u1", chunks=(15, 30),
                                       fillvalue=255, **packed)
        cover[:15, 30:] = (np.arange(15 * 60) % 9).reshape(15, 60)
        describe(cover, long_name="kind of cover, known for some cells only")

        spectra = file.create_group("ocean/waves")
        phase = np.exp(1j * wave(lat, lon / 4))
        describe(spectra.create_dataset("amplitude", data=phase.astype("<c8"), chunks=(20, 90), **packed), units="m")

        stations = file.create_group("stations")
        names = ["Ny-Ålesund", "Zugspitze", "Mauna Loa", "南极站", ""]
        stations.create_dataset("name", data=names, dtype=h5py.string_dtype(), track_times=False)
        stations.create_dataset("code", data=np.array([b"NYA", b"ZSF", b"MLO", b"SPO", b""]), track_times=False)
        stations.create_dataset("height", data=np.array([11, 2671, 3397, 2810, 0], "<i8"), track_times=False)
        describe(stations, count=np.int32(5), active=np.bool_(True))

        file.create_dataset("reference_height", data=np.float64(2.0), track_times=False).attrs["units"] = "m"
        file.create_dataset("history", data="made by make_climate.py", track_times=False)
        log = file.create_dataset("log/value", shape=(0,), maxshape=(None,), dtype="<f8", chunks=(128,), **packed)
        describe(log, long_name="appended to while the model runs")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
