#!/bin/sh
# Sets up Debian trixie's PostgreSQL 17 with TimescaleDB (Apache edition) in a folder, for tests, beside whatever this
# machine has: the packages are downloaded and verified by apt with its own state, unpacked, and their programs are
# pointed at the trixie libraries in the folder (patchelf), so that neither root nor a newer libc is needed.
#
# usage: timescaledb.sh FOLDER        afterwards FOLDER/usr/lib/postgresql/17/bin holds postgres, initdb, …
set -eu

folder=$1
[ -e "$folder/ready" ] && exit 0

packages="postgresql-17 postgresql-client-17 postgresql-17-timescaledb libpq5
  libc6 libgcc-s1 libstdc++6 libicu76 libssl3t64 libxml2 libxslt1.1 libldap2 libsasl2-2 libgssapi-krb5-2 libkrb5-3
  libk5crypto3 libkrb5support0 libcom-err2 libkeyutils1 libpam0g libaudit1 libcap-ng0 libcap2 libselinux1 libpcre2-8-0
  libsystemd0 libgcrypt20 libgpg-error0 liblz4-1 liblzma5 libzstd1 zlib1g libuuid1 libreadline8t64 libtinfo6 libbz2-1.0
  libedit2 libbsd0 libmd0 libcrypt1"
architecture=$(dpkg --print-architecture)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
for tool in apt-get dpkg-deb patchelf; do
  command -v "$tool" >/dev/null || { echo "timescaledb.sh: $tool is needed (apt-get install patchelf)" >&2; exit 1; }
done
[ -e "$keyring" ] || { echo "timescaledb.sh: the package debian-archive-keyring is needed" >&2; exit 1; }

work=$folder.$$
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial" "$work/debs" "$work/root"
touch "$work/apt/status"
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m 1 '/debian/*$')
echo "deb [signed-by=$keyring] $mirror trixie main" >"$work/apt/sources.list"
cat >"$work/apt/apt.conf" <<EOF
APT::Architecture "$architecture";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "$work/apt/state";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
EOF
export APT_CONFIG="$work/apt/apt.conf"
apt-get -qq update
(cd "$work/debs" && apt-get -qq download $packages)
for package in "$work"/debs/*.deb; do
  dpkg-deb -x "$package" "$work/root"
done

# The just-in-time compiler would need LLVM, 100 MB that no test uses.
rm -f "$work"/root/usr/lib/postgresql/17/lib/llvmjit*
libraries=$(dirname "$(find "$work/root/usr/lib" -name 'libicuuc.so.*' | head -n 1)")
loader=$(find "$libraries" -name 'ld-linux-*.so.*' | head -n 1)
final=$folder${libraries#"$work/root"}
for program in postgres initdb psql createdb pg_isready; do
  patchelf --set-interpreter "$final/${loader##*/}" --force-rpath --set-rpath "$final" \
    "$work/root/usr/lib/postgresql/17/bin/$program"
done
touch "$work/root/ready"
chmod -R a+rX "$work/root"
mkdir -p "$(dirname "$folder")"
[ -e "$folder/ready" ] || { rm -rf "$folder"; mv "$work/root" "$folder"; }
